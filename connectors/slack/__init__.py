"""Parts of the Slack connector."""
