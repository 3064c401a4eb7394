"""Figma: what its connector asks beside SCIM."""
