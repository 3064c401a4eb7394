"""Tools that connectors share: HTTP, paging, tokens, files, times, and the addresses that they may connect to."""
