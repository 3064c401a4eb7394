"""One check from start to end: read the app whole, compare, apply what is harmless, report the rest."""
