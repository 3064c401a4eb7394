"""Parts of the Google Ads connector beside its calls."""
