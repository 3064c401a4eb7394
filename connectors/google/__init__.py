"""What every connector of Google's Admin API shares."""
