"""The kinds of directories that Rollcall reads, one file each."""
