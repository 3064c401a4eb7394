"""Who is at the browser: passwords, second factors, providers, sessions."""
