"""The LDAP protocol: the talk with a server, what its answers mean, and when an account has ended there."""
