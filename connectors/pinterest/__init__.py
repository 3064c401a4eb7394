"""Parts of the Pinterest connector beside its calls."""
