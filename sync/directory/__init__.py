"""Directories: what they report by reading or push, which one decides, and what that changes."""
