"""What every connector of Microsoft Graph shares."""
