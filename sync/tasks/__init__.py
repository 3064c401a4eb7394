"""One operation in an app: planned, performed, verified and written into what Rollcall knows."""
