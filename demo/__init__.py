"""The sample company Acme and its sample apps, served over real HTTP for `make demo` and for the tests.
Nothing here knows Rollcall, except run.py, which connects the two."""
