"""Parts of the Figma connector."""
