"""Parts of the Meta connector."""
