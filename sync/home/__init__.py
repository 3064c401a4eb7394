"""The first page after signing in: who has left and is still in, what waits, what changed, and what to set up."""
