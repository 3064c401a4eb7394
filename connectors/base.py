"""The contract between Rollcall and whatever it connects: values, errors, capabilities, and the two base classes.
sync/ knows connectors through it and memory.py. It imports only these modules of Rollcall's: memory, quality, effects
and versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType

from connectors.effects import Effect, Effects, not_declared
from connectors.memory import KnownItems, Marked, Memory, Unchanged
from connectors.quality import NOT_RATED, Quality, level_of
from connectors.versions import ApiVersion

# What a connector can do. Pages, buttons and tasks ask for these, so nothing is offered that can't be done.
LOOK_UP = "look up"  # account(id): the second look
ASSETS = "assets"  # assets() and access()
REMOVE = "remove"
CHANGE_ROLE = "change role"
INVITE = "invite"
GRANT = "grant"
REVOKE = "revoke"
CAPABILITIES = (LOOK_UP, ASSETS, REMOVE, CHANGE_ROLE, INVITE, GRANT, REVOKE)

SEAT_BASED, PAID_SOCIAL, SAMPLE = "Seat-based", "Paid social", "Sample"


class ConnectorError(Exception):
    """The app did not do as asked; the text is for the Owner to read and never holds a secret."""

    advice = ""  # what a person must do, where trying again can't help and the class alone doesn't say it


class CredentialRejected(ConnectorError):
    """The credential is wrong, expired or lacks a permission: the Owner must reconnect."""


class RateLimited(ConnectorError):
    """Too many calls: nothing is wrong, continue after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float = 60):
        super().__init__(message)
        self.retry_after = retry_after


class TemporarilyUnavailable(ConnectorError):
    """It may work later: no connection, a time-out, a 5xx, an answer cut short, a list that changed under way."""

    silent = False  # True: it gave no answer for as long as one is waited for, twice; so it isn't asked again at once


class Refused(ConnectorError):
    """The app understood and refused; the text has its words."""


class PartsUnread(Refused):
    """Some parts of the app can't be read, and the account isn't in any of the others: it may still be in these."""

    def __init__(self, message: str, parts: tuple[NotRead, ...]):
        super().__init__(message)
        self.parts = parts


class AwaitsApproval(ConnectorError):
    """The app holds the operation until someone approves it there. `requests`: the app's ids of what waits."""

    def __init__(self, message: str, requests: tuple[str, ...]):
        super().__init__(message)
        self.requests = requests


class ColumnsUnclear(Refused):
    """A file can be read, but what its columns say must be answered first; `proposal` holds the open questions."""

    def __init__(self, message: str, proposal: object):
        super().__init__(message)
        self.proposal = proposal


@dataclass(frozen=True, slots=True)
class Field:
    """One value that a connector asks for; a secret is stored encrypted and never shown again."""

    name: str
    label: str
    help: str = ""
    secret: bool = False
    required: bool = True
    pattern: str = ""  # a regular expression that the whole value must match
    choices: tuple[tuple[str, str], ...] = ()  # (value, label); the first is the default
    placeholder: str = ""
    multiline: bool = False  # a key: a text area
    upload: bool = False  # the content of an uploaded file
    mapping: bool = False  # what the file's columns mean, as JSON: asked for beside the file, not in the form
    when: tuple[str, str] | None = None  # (name, value): asked for only where that field, before it, has this value
    where: bool = True  # a change may send the secrets elsewhere, so they must be entered again; False: it can't
    path: bool = False  # of a file on the server: a page may only name one below the folders that are configured


@dataclass(frozen=True, slots=True)
class Identity:
    """The account behind the credential, as test() found it."""

    name: str
    external_id: str | None = None  # its id among accounts(), where the app reports it
    may: tuple[str, ...] = ()  # in plain words: "read members", "remove"
    missing: tuple[str, ...] = ()  # what it may not do, and what to change about that


@dataclass(frozen=True, slots=True)
class Role:
    id: str
    label: str
    privileged: bool = False  # may administer the whole app
    default: bool = False


UNKNOWN = "unknown"  # a status that Rollcall does not know; "unknown: FROZEN" where the app has a word for it
# The fields that an answer may leave out. Rollcall stores their places: a new one goes to the end.
OPTIONAL_FIELDS = ("email", "name", "status", "role", "kind", "last_activity", "seat", "user_name", "employee_number")


@dataclass(frozen=True, slots=True)
class Account:
    """One account, as the app reports it. `id` never changes; `last_activity` is naive UTC.

    A field that the answer did not have is not an empty one. `unsaid` names the fields whose key was missing: nothing
    follows from that. `assumed` names those whose missing key means, by the app's documentation, the value of the
    field: that holds while the app gives the key for others. Both have names of OPTIONAL_FIELDS.
    """

    id: str
    email: str = ""
    name: str = ""
    status: str = "active"  # active, invited, suspended, or UNKNOWN (see answers.known_status)
    role: str = ""  # Role.id; of several the main one: the most powerful, else the first in the app's own order
    kind: str = "user"  # user; system: what the app made for itself, bots
    last_activity: datetime | None = None
    seat: str = ""
    user_name: str = ""  # what one signs in with there, where the app reports it beside the e-mail
    employee_number: str = ""  # the company's own
    further_roles: tuple[str, ...] = ()  # Role.id of each role that it has beside the main one
    unsaid: frozenset[str] = frozenset()  # "role" stands for all its roles
    assumed: frozenset[str] = frozenset()

    @property
    def roles(self) -> tuple[str, ...]:
        """All its roles, each once, the main one first."""
        return tuple(dict.fromkeys(filter(None, (self.role, *self.further_roles))))


@dataclass(frozen=True, slots=True)
class Asset:
    id: str
    kind: str  # the app's own word, singular: "repository"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    account: str  # Account.id
    asset: str  # Asset.id
    role: str = ""
    privileged: bool = False  # may hand the asset on: the only one is warned about
    assumed: bool = False  # the answer had no key for the role: `role` is its meaning for others


@dataclass(frozen=True, slots=True)
class NotRead:
    """An asset whose people this reading could not read. assets() still gives it. Its known access is kept."""

    asset: str  # Asset.id
    why: str  # a sentence for the Owner


class Connector:
    """One kind of app. A subclass sets the class attributes and the methods its capabilities name.

    Every method may raise the four ConnectorErrors and nothing else, an operation also AwaitsApproval.
    An iterator gives everything or raises: a list that may be incomplete is TemporarilyUnavailable.
    It reads page by page and never keeps a whole list in memory.
    """

    slug: str = ""
    label: str = ""
    category: str = SEAT_BASED
    logo: str = ""  # a file in static/logos; "" shows the initial
    quality: Quality = MappingProxyType(NOT_RATED)  # the rules that it does not keep; it keeps all others
    docs: tuple[str, ...] = ()  # how to get the credential, one step an entry
    fields: tuple[Field, ...] = ()
    unknown_acts: Mapping[str, str] = MappingProxyType({})  # acts that this kind of app doesn't have, and why
    capabilities: frozenset[str] = frozenset()  # the most it can do; an instance may narrow it by its settings
    effects: Effects = MappingProxyType({})  # what each operation reaches, loses and frees, by the app's documents
    api_version: ApiVersion | None = None  # of the app's API; every connector names it
    asset_word: str = "asset"
    role_word: str = "role"
    own_account_unknown: str = ""  # why its own account is unknown, and so isn't protected; "" if it is known
    change_role_keeps: bool = False  # change_role() replaces the main role alone; False: all that the account has
    memory: Memory | None = None  # given for a reading by the caller
    reads_item_by_item: bool = False  # each Account follows from one item of a list, the settings and the code alone
    read_with: str = ""  # anything else that decides how it reads an item, such as a description in a file
    known_items: KnownItems | None = None  # given for accounts() by the caller, where it reads item by item
    not_read: tuple[NotRead, ...] = ()  # set by accounts() and access(); while there is one, nobody counts as gone
    file_purpose: str = ""  # of one that reads a file: what connectors.propose() is asked for

    def __init__(self, settings: dict[str, str], on_total: Callable[[int], None] | None = None):
        """`settings` holds the fields' values, secrets included; `on_total` gets the length of accounts(),
        where the app says."""
        self.settings = settings
        self.on_total = on_total or (lambda total: None)

    @classmethod
    def level(cls) -> str:
        """One of quality.LEVELS: the highest tier whose rules it keeps."""
        return level_of(cls.quality)

    @property
    def removal_suspends(self) -> bool:
        """True where remove() leaves the account in the list, as suspended."""
        return False

    def effects_of(self, operation: str) -> tuple[Effect, ...]:
        """What REMOVE, CHANGE_ROLE, INVITE, GRANT or REVOKE does with these settings.

        Of several, each names the accounts that it is about. None for an operation that people do by hand.
        """
        if operation not in self.capabilities:
            return ()
        declared = self.effects.get(operation, ())
        return tuple(one for one in declared if one.when is None or self._has_set(*one.when)) or not_declared()

    def _has_set(self, name: str, value: str) -> bool:
        field = next(field for field in self.fields if field.name == name)
        return (self.settings.get(name) or field.choices[0][0]) == value

    def version_in_use(self) -> ApiVersion | None:
        """The version of the app's API that these settings use."""
        return self.api_version and self.api_version.chosen(self.settings)

    def content(self) -> bytes:
        """The file that it reads, as it is now; only where there is a `file_purpose`."""
        raise NotImplementedError

    @property
    def as_of(self) -> datetime | None:
        """The time of the values it reads, naive UTC; None for now. It doesn't undo newer values in Rollcall."""
        return None

    def close(self) -> None:
        """Close its connections."""

    @classmethod
    def roles_after(cls, account: Account, role: str) -> tuple[str, ...]:
        """All roles that the account will have once change_role() has given it `role`, that one first.

        Asks the app nothing: it is what a person is shown before the change, and what the contract's tests hold
        change_role() to. Override it where the app is neither of the two that `change_role_keeps` distinguishes, or to
        raise Refused for a role that nobody can be given.
        """
        kept = account.roles[1:] if cls.change_role_keeps else ()
        return tuple(dict.fromkeys((role, *kept)))

    def test(self) -> Identity:
        raise NotImplementedError

    def roles(self) -> list[Role]:
        raise NotImplementedError

    def accounts(self) -> Iterator[Account | Marked | Unchanged]:
        """Every account of every status; pending invitations are accounts with status invited.

        With `known_items`, an account is Marked, or Unchanged (see connectors/tools/items.py).
        """
        raise NotImplementedError

    def assets(self) -> Iterator[Asset]:
        return iter(())

    def access(self) -> Iterator[Access]:
        return iter(())

    def access_to(self, asset: Asset) -> Iterator[Access]:
        """Who has access to one asset now. Override it where the app can be asked for that alone."""
        return (access for access in self.access() if access.asset == asset.id)

    def account(self, id: str) -> Account | None:
        """The second look: the account as it is now, None when the app says that there is none."""
        raise NotImplementedError

    def require_approved(self, requests: tuple[str, ...]) -> None:
        """Asked before an operation that awaited these requests is tried again.

        Raises AwaitsApproval while one of them waits, and Refused where one was declined or has expired.
        """

    def remove(self, account: Account) -> None:
        """Remove the account; one that is already gone counts as done."""
        raise NotImplementedError

    def change_role(self, account: Account, role: str) -> None:
        raise NotImplementedError

    def invite(self, email: str, role: str) -> None:
        raise NotImplementedError

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        raise NotImplementedError

    def revoke(self, account: Account, asset: Asset) -> None:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class DirectoryPerson:
    """One person, as a directory reports them."""

    id: str  # never changes: entryUUID, objectGUID
    email: str = ""
    name: str = ""
    status: str = "active"  # active, suspended, deprovisioned
    user_name: str = ""
    further_emails: tuple[str, ...] = ()
    employee_number: str = ""
    groups: tuple[str, ...] = field(default=())  # names
    last_day: date | None = None  # in the workspace's time zone; they have left once it is over
    start_date: date | None = None  # who begins on a later day has not left
    department: str = ""
    manager: str = ""  # an e-mail address or a name


@dataclass(frozen=True, slots=True)
class Unread:
    """An attribute that may say who has left, and that nothing reads: how many have it, and some of its values."""

    attribute: str
    people: int
    values: tuple[str, ...] = ()


class DirectoryConnector:
    """One kind of directory that is read: the same rules as for Connector.

    `warnings` and `unread` are set once people() has given everyone.
    """

    slug: str = ""
    label: str = ""
    logo: str = ""
    docs: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    worldwide_ids: bool = False  # DirectoryPerson.id is nobody else's, in no other directory of this kind
    file_purpose: str = ""  # as for Connector
    api_version: ApiVersion | None = None  # as for Connector
    today: date | None = None  # in the workspace's time zone, from the caller; else UTC's
    settled: str = ""  # what the file's columns were taken for, as JSON, once people() has read them,
    notes: tuple[str, ...] = ()  # and what of it was not read, in sentences
    rules: str = ""  # the name of the field that holds rules on who has left, where this kind takes them
    warnings: tuple[str, ...] = ()  # what someone should look at, in sentences
    unread: tuple[Unread, ...] = ()

    def __init__(self, settings: dict[str, str]):
        self.settings = settings

    def content(self) -> bytes:
        """As for Connector."""
        raise NotImplementedError

    def close(self) -> None:
        """Close its connections."""

    def test(self) -> Identity:
        raise NotImplementedError

    def people(self) -> Iterator[DirectoryPerson]:
        """Everyone, of every status, with their groups; whole or raises."""
        raise NotImplementedError
