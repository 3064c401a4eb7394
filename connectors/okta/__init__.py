"""What every connector of Okta's API shares."""
