"""Parts of the GitLab connector."""
