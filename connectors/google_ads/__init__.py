"""Parts of the Google Ads connector."""
