"""What a process would import and compile at its first use: a process that forks for tests does it once, before it
forks. Nothing is opened, and nothing is known of any installation."""

from __future__ import annotations

import gc
from importlib import import_module

from connectors import app_connectors, directory_connectors
from sync.mail import letters

LATE = ("zxcvbn", "encodings.unicode_escape", "click._textwrap")  # imported by what needs them


def up() -> None:
    """Import all connectors and compile all e-mails. Forks then need not look for garbage in what all of them share."""
    app_connectors()
    directory_connectors()
    for name in LATE:
        import_module(name)
    for in_html, kind in ((False, "*.txt"), (True, "*.html")):
        for template in letters.TEMPLATES.glob(kind):
            letters._environment(in_html=in_html).get_template(template.name)
    gc.freeze()
