"""PostgreSQL in place of the SQLite file: how it is opened, its schema, and what it names differently.
Statements elsewhere are written for both databases."""
