"""What the Slack connector is made of beside its calls."""
