"""The routes of second factors and of asking again, by who may open them: lines of the table in test_permissions.py."""

OPEN = [
    "GET /sign-in/second-factor", "POST /sign-in/second-factor", "POST /sign-in/second-factor/challenges",
    "POST /sign-in/passkey", "POST /sign-in/passkey/challenges",
    "POST /password-strengths",  # by a set-up link or signed in: else there is nothing
]  # fmt: skip
OF_ONESELF = [
    *[f"{method} /settings/your-sign-in{path}" for method, path in (
        ("GET", ""), ("GET", "/authenticator"), ("POST", "/authenticator"), ("PUT", "/authenticator"),
        ("DELETE", "/authenticator"), ("POST", "/passkeys"), ("POST", "/passkeys/challenges"),
        ("DELETE", "/passkeys/<int:passkey_id>"), ("POST", "/recovery-codes"))],
    "GET /confirmations/<token>", "POST /confirmations/<token>", "GET /confirmations/<token>/sign-in",
    "POST /confirmations/<token>/challenges",
]  # fmt: skip
OF_OTHERS = ["GET /people/<int:person_id>/second-factor", "DELETE /people/<int:person_id>/second-factor"]
OF_ALL = ["PUT /settings/second-factor"]
