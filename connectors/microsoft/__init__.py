"""Parts that the connectors of Microsoft Graph share."""
