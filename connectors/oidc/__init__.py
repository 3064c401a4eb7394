"""OpenID Connect: a provider's metadata, and what a sign-in there proves."""
