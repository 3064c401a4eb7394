"""What speaks to GitHub: a GitHub App's tokens and its answers."""
