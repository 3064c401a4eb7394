"""Parts that the connectors of Google's Admin API share."""
