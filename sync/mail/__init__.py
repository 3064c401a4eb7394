"""News by mail: what is written to whom, the outbox, and the talk with the mail server."""
