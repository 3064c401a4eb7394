"""The talk with a PostgreSQL server."""
