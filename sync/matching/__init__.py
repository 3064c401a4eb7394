"""Whose account is it? Rules, decisions and suggestions, and which address proves a person."""
