"""The people the workspace knows: their profile, how they are imported, and what keeps their accounts."""
