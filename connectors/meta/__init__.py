"""Parts of the Meta connector beside its calls."""
