"""Parts that the connectors of Okta's API share."""
