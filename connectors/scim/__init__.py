"""The connector of any app that speaks SCIM 2.0 (RFC 7643, RFC 7644), and what connectors of single apps build on."""
