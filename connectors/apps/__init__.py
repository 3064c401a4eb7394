"""Each kind of app that Rollcall speaks to, one file each: copy the nearest to add one."""
