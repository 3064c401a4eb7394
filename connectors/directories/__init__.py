"""Each kind of directory that Rollcall reads, one file each."""
