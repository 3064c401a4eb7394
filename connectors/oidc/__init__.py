"""OpenID Connect: a provider's metadata, and who signed in there."""
