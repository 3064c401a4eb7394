"""Parts of the Pinterest connector."""
