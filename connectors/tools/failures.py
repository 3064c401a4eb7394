"""What an error of requests or urllib3 means: whether the app can have received the call, and the reason in words."""

from __future__ import annotations

import ssl

import requests
import urllib3


def never_arrived(failure: Exception) -> bool:
    """True if no connection was made, so that the app can't have done anything."""
    return isinstance(failure, requests.ConnectTimeout) or isinstance(
        _cause(failure), urllib3.exceptions.NewConnectionError
    )


def is_silence(failure: Exception) -> bool:
    """True if the server accepted the connection, or may have, but gave no answer in time."""
    timed_out = isinstance(failure, requests.Timeout) or isinstance(_cause(failure), urllib3.exceptions.TimeoutError)
    return timed_out and not isinstance(_cause(failure), urllib3.exceptions.NewConnectionError)  # which is a kind of it


def reason(failure: Exception) -> str:
    """What happened, as the end of a sentence that begins with “The server”."""
    cause = _cause(failure)
    if isinstance(cause, (ssl.SSLError, urllib3.exceptions.SSLError)):
        return "can't be reached: its certificate can't be verified"
    if isinstance(cause, urllib3.exceptions.NameResolutionError):
        return "can't be reached: there is no server of that name"
    if isinstance(cause, urllib3.exceptions.NewConnectionError):
        return "can't be reached: it accepts no connection"
    if is_silence(failure):
        return "can't be reached: it gave no answer in time"
    if isinstance(cause, urllib3.exceptions.DecodeError):
        return "gave an answer that can't be unpacked"
    return "broke off: the connection was cut before the answer was complete"


def _cause(failure: BaseException) -> BaseException:
    """The error of urllib3 inside an error of requests."""
    inner = failure.args[0] if failure.args and isinstance(failure.args[0], Exception) else failure
    return getattr(inner, "reason", None) or inner
