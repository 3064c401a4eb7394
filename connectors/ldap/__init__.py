"""The LDAP protocol: the connection to a server, the meaning of its answers, and whether an account has ended."""
