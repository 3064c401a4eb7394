"""Changes one thing in the code and runs the tests that execute it: they should fail.
`make mutants` does this for the packages of sync that decide about someone's access. CONTRIBUTING.md has the figures.

The operators for Python are mutmut's; those for SQL and for the words of sync.states are ours. Why not its runner:
mutmut 3 changes only the inside of functions without decorators, and no f-string or string in triple quotes. Here,
most rules are SQL in exactly those places. cosmic-ray changes files, as we do, but runs one test command for all
mutants, and brings an HTTP client, an HTTP server, an ORM and git with it.
"""
