"""What connectors share: HTTP, paging, tokens, files, times, and where a connection may lead."""
