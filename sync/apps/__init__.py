"""One connected app as Rollcall knows it: its settings, Owners, credential, assets and state."""
