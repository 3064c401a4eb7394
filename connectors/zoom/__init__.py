"""Parts of the Zoom connector."""
