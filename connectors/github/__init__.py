"""Parts of the GitHub connector beside its calls."""
