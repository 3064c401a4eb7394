"""Who should have what in an app because of the groups and teams they are in."""
