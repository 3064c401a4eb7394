"""Answers are compressed (zstd, Brotli or gzip, as the browser prefers): a long list is a tenth of its size on the way.
A page that another site asked for with our cookie isn't: its length would be a hint at its content.
"""

from __future__ import annotations

from flask import Flask, Response, request
from flask_compress import Compress

# Of Sec-Fetch-Site: the page itself asked, or the person did (address bar, bookmark).
ASKED_FROM_HERE = frozenset({"same-origin", "none"})


def install(app: Flask) -> None:
    """Register this before everything else that changes answers: Flask calls what is registered first last."""
    app.config.setdefault("COMPRESS_REGISTER", False)
    compress = Compress(app)
    compress.compress_mimetypes_set |= {"application/scim+json", "text/csv"}

    @app.after_request
    def shorten(answer: Response) -> Response:
        return compress.after_request(answer) if length_is_no_hint() else answer


def length_is_no_hint() -> bool:
    """False for a request with cookies that another site may have caused.

    Such a site can choose a part of a page (the words searched for, say). The length of the answer would show whether
    its guess is elsewhere on the page too, in a secret for instance. Source: BREACH, CVE-2013-3587.
    """
    if not request.cookies or request.endpoint == "static":
        return True
    return request.headers.get("Sec-Fetch-Site") in ASKED_FROM_HERE
