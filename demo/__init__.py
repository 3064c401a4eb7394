"""The sample company Acme and its sample apps, served over real HTTP for `make demo` and for the tests.
Only run.py knows Rollcall: it connects the two."""
