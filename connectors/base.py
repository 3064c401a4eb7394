"""The contract between Rollcall and the apps and directories that it connects: values, errors, capabilities, and two
base classes. sync/ knows connectors only through this module and memory.py.
Of Rollcall's own modules, it imports only identity, memory, quality, effects and versions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType

from connectors.effects import Effect, Effects, not_declared
from connectors.identity import Identity
from connectors.memory import KnownItems, Marked, Memory, Unchanged
from connectors.quality import NOT_RATED, Level, Quality, level_of
from connectors.versions import ApiVersion

# What a connector can do. Pages, buttons and tasks ask for these, so that they offer only what is possible.
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
    """The app didn't do what Rollcall asked. The text is for the Owner to read, and never holds a secret."""

    advice = ""  # what a person must do, if trying again can't help and the class alone doesn't say so


class CredentialRejected(ConnectorError):
    """The credential is wrong, expired or lacks a permission: the Owner must reconnect."""


class RateLimited(ConnectorError):
    """These were too many calls. Nothing is wrong: the work continues after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float = 60):
        super().__init__(message)
        self.retry_after = retry_after


class TemporarilyUnavailable(ConnectorError):
    """It may work later: no connection, a time-out, a 5xx, a truncated answer, a list that changed during reading."""

    silent = False  # True: the app let two calls time out, so it isn't called again at once


class Refused(ConnectorError):
    """The app understood the call and refused it, or Rollcall refused to send it; the text says why."""


class PartsUnread(Refused):
    """Some parts of the app can't be read, and the account isn't in the others: it may still be in these `parts`."""

    def __init__(self, message: str, parts: tuple[NotRead, ...]):
        super().__init__(message)
        self.parts = parts


class AwaitsApproval(ConnectorError):
    """The app holds the operation until someone approves it there. `requests`: the app's ids of the approvals."""

    def __init__(self, message: str, requests: tuple[str, ...]):
        super().__init__(message)
        self.requests = requests


class ColumnsUnclear(Refused):
    """A file can be read, but someone must first answer what its columns mean. `proposal`: a tables.Proposal with the
    open questions."""

    def __init__(self, message: str, proposal: object):
        super().__init__(message)
        self.proposal = proposal


LONGEST_VALUE = 20_000  # characters: each page reads the settings of its apps


@dataclass(frozen=True, slots=True)
class Field:
    """One value that a connector asks for. A secret is stored encrypted and never shown again."""

    name: str
    label: str
    help: str = ""
    secret: bool = False
    required: bool = True
    pattern: str = ""  # a regular expression that the whole value must match
    choices: tuple[tuple[str, str], ...] = ()  # (value, label); the first is the default
    placeholder: str = ""
    multiline: bool = False  # entered in a text area, as a key is
    upload: bool = False  # holds the content of an uploaded file
    mapping: bool = False  # what the file's columns mean, as JSON: asked for beside the file, not in the form
    when: tuple[str, str] | None = None  # (name, value): asked for only if that earlier field has this value
    asks_secrets_again: bool = True  # a new value may send the secrets elsewhere; False: it can't
    of_credential: bool = False  # names what the credential is, not where it leads: another value, the same space
    path: bool = False  # the path of a file on the server: a page may only name one below the configured folders

    def fits(self, value: str) -> bool:
        """Whether the value has the form that is asked for, and isn't longer than a key or a token is."""
        is_long = len(value) > LONGEST_VALUE and not (self.upload or self.mapping)
        return not is_long and (not self.pattern or re.fullmatch(self.pattern, value) is not None)


@dataclass(frozen=True, slots=True)
class Role:
    id: str
    label: str
    privileged: bool = False  # may administer the whole app
    default: bool = False


UNKNOWN = "unknown"  # a status that Rollcall doesn't know; "unknown: FROZEN" if the app has a word for it
# The fields that an answer may leave out. Rollcall stores their positions, so append new ones.
OPTIONAL_FIELDS = ("email", "name", "status", "role", "kind", "last_activity", "seat", "user_name", "employee_number")


@dataclass(frozen=True, slots=True)
class Account:
    """One account, as the app reports it. `id` never changes; `last_activity` is naive UTC.

    A field whose key is missing from the answer isn't the same as an empty one. `missing_fields` names the fields about
    which a missing key says nothing. `defaulted_fields` names those for which the app's documentation says what a
    missing key means, and the field has that value. It counts only as long as the app sends the key for other
    accounts. Both hold names of OPTIONAL_FIELDS.
    """

    id: str
    email: str = ""
    name: str = ""
    status: str = "active"  # active, invited, suspended, or UNKNOWN (see answers.known_status)
    role: str = ""  # Role.id of the main role: the most powerful, or else the first in the app's own order
    kind: str = "user"  # user; system: a bot, or an account that the app made for itself
    last_activity: datetime | None = None
    seat: str = ""  # the app's name for what is paid for the account: a licence, a plan
    user_name: str = ""  # the name that one signs in with, where the app reports it beside the e-mail
    employee_number: str = ""  # as the company assigned it
    further_roles: tuple[str, ...] = ()  # Role.id of each role beside the main one
    missing_fields: frozenset[str] = frozenset()  # "role" stands for all of the account's roles
    defaulted_fields: frozenset[str] = frozenset()

    @property
    def roles(self) -> tuple[str, ...]:
        """All roles (Role.id), each once, the main one first."""
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
    privileged: bool = False  # may manage the asset: Rollcall warns before it removes an asset's only such account
    role_defaulted: bool = False  # the answer had no key for the role: `role` is the documented meaning of that


@dataclass(frozen=True, slots=True)
class NotRead:
    """An asset whose people couldn't be read this time. assets() still lists it, and its known access is kept."""

    asset: str  # Asset.id
    why: str  # a sentence for the Owner
    if_known: bool = False  # True: it matters only if people are known to have access; assets() may leave it out


class Connector:
    """One kind of app. A subclass sets the class attributes, and overrides the methods that its capabilities name.

    Every method may raise the four ConnectorErrors and nothing else; an operation may also raise AwaitsApproval.
    An iterator returns the whole list or raises: TemporarilyUnavailable if the list may be incomplete.
    It reads page by page, and never keeps a whole list in memory.
    """

    slug: str = ""
    label: str = ""
    category: str = SEAT_BASED
    logo: str = ""  # a file in static/logos; "" shows the initial
    quality: Quality = MappingProxyType(NOT_RATED)  # the rules that it doesn't keep; it keeps all others
    docs: tuple[str, ...] = ()  # the steps to the credential, one per entry, then what the connector can and can't do
    fields: tuple[Field, ...] = ()
    absent_operations: Mapping[str, str] = MappingProxyType({})  # operations that this kind of app doesn't have → why
    capabilities: frozenset[str] = frozenset()  # all that it can do; an instance may have fewer, by its settings
    effects: Effects = MappingProxyType({})  # the effect of each operation, by the app's documents
    api_version: ApiVersion | None = None  # of the app's API; every connector names it
    asset_word: str = "asset"
    role_word: str = "role"
    asset_roles_by_hand: frozenset[tuple[str, str]] = frozenset()  # (Asset.kind, Access.role or "*"): grant() refuses
    asset_roles_kept: frozenset[tuple[str, str]] = frozenset()  # (Asset.kind, Access.role or "*"): revoke() refuses
    own_account_unknown: str = ""  # why the automation account is unknown, and so isn't protected; "" if it is known
    change_role_keeps: bool = False  # True: change_role() replaces only the main role; False: all of them
    memory: Memory | None = None  # the caller sets it for a reading
    reads_item_by_item: bool = False  # each Account follows from one item of a list, the settings and the code alone
    read_with: str = ""  # anything else that decides how it reads an item, such as a description in a file
    known_items: KnownItems | None = None  # the caller sets it for accounts(), if the connector reads item by item
    not_read: tuple[NotRead, ...] = ()  # set by accounts() and access(); while it isn't empty, nobody counts as gone
    file_purpose: str = ""  # of a connector that reads a file: the `purpose` for connectors.propose()
    named_by: str = ""  # the field that names the app, for a kind that stands for many

    def __init__(self, settings: dict[str, str], on_total: Callable[[int], None] | None = None):
        """`settings`: the fields' values, secrets included. `on_total` is called with the length of accounts(), if the
        app reports it."""
        self.settings = settings
        self.on_total = on_total or (lambda total: None)

    @classmethod
    def level(cls) -> Level:
        """The highest tier whose rules it keeps."""
        return level_of(cls.quality)

    @property
    def removal_suspends(self) -> bool:
        """True if remove() leaves the account in the list, as suspended."""
        return False

    def effects_of(self, operation: str) -> tuple[Effect, ...]:
        """The effects of REMOVE, CHANGE_ROLE, INVITE, GRANT or REVOKE with these settings.

        If there are several, each names the accounts that it is about. Empty for an operation that people do by hand.
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
        """The current content of the file that it reads; only for a connector with a `file_purpose`."""
        raise NotImplementedError

    @property
    def as_of(self) -> datetime | None:
        """The time to which its values refer, naive UTC; None for now. Newer values in Rollcall are kept."""
        return None

    @property
    def file_from(self) -> datetime | None:
        """When someone last uploaded or wrote the file that it reads, naive UTC; None if it reads the app itself."""
        return None

    def close(self) -> None:
        """Close its connections."""

    @classmethod
    def roles_after(cls, account: Account, role: str) -> tuple[str, ...]:
        """The roles that the account will have once change_role() has given it `role`, that one first.

        It calls no app: people see its result before the change, and the contract's tests compare change_role() with
        it. Override it for an app that does neither of the two things that `change_role_keeps` distinguishes, or to
        raise Refused for a role that can't be given.
        """
        kept = account.roles[1:] if cls.change_role_keeps else ()
        return tuple(dict.fromkeys((role, *kept)))

    def test(self) -> Identity:
        """Who the credential belongs to and what it may do. Raises a ConnectorError that says what to fix."""
        raise NotImplementedError

    def roles(self) -> list[Role]:
        """The roles that an account can have in the whole app."""
        raise NotImplementedError

    def accounts(self) -> Iterator[Account | Marked | Unchanged]:
        """Every account of every status. A pending invitation is an account with the status invited. With
        `known_items`, each is Marked or Unchanged (see connectors/tools/items.py)."""
        raise NotImplementedError

    def assets(self) -> Iterator[Asset]:
        """Every asset of the app."""
        return iter(())

    def access(self) -> Iterator[Access]:
        """Each account's role on each asset."""
        return iter(())

    def access_to(self, asset: Asset) -> Iterator[Access]:
        """The current access to one asset. Override it if the app has a call for that."""
        return (access for access in self.access() if access.asset == asset.id)

    def managed(self, account: Account) -> list[Asset] | None:
        """All of assets() that the account manages now (a name may be ""); None: the last reading counts instead."""
        return None

    def account(self, id: str) -> Account | None:
        """The second look: the account as it is now; None if the app says that it doesn't exist."""
        raise NotImplementedError

    def require_approved(self, requests: tuple[str, ...]) -> None:
        """Called before an operation that awaited these requests is tried again. Raises AwaitsApproval while one of
        them waits, and Refused if one was declined or has expired."""

    def remove(self, account: Account) -> None:
        """Remove the account. If it is already gone, that counts as done, as for every operation."""
        raise NotImplementedError

    def change_role(self, account: Account, role: str) -> None:
        """Give the account this role (Role.id); roles_after() says which of its others it keeps."""
        raise NotImplementedError

    def invite(self, email: str, role: str) -> None:
        """Invite someone with this role (Role.id); "" is the app's default."""
        raise NotImplementedError

    def grant(self, account: Account, asset: Asset, role: str) -> None:
        """Give the account this role (Access.role) on the asset."""
        raise NotImplementedError

    def revoke(self, account: Account, asset: Asset) -> None:
        """Take away the account's access to the asset."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class DirectoryPerson:
    """One person, as a directory reports them."""

    id: str  # an id that never changes: entryUUID, objectGUID
    email: str = ""
    name: str = ""
    status: str = "active"  # active, suspended, deprovisioned
    user_name: str = ""
    further_emails: tuple[str, ...] = ()
    employee_number: str = ""
    groups: tuple[str, ...] = field(default=())  # names
    last_day: date | None = None  # in the workspace's time zone; the person has left once it is over
    start_date: date | None = None  # someone who begins on a later day hasn't left
    department: str = ""
    manager: str = ""  # an e-mail address or a name
    hides_status: bool = False  # it is unknown whether they are disabled: someone who had left hasn't come back


@dataclass(frozen=True, slots=True)
class Unread:
    """An attribute that may say who has left but that nothing reads, how many people have it, and some values."""

    attribute: str
    people: int
    values: tuple[str, ...] = ()


class DirectoryConnector:
    """One kind of directory that Rollcall reads. The rules for Connector apply. `warnings`, `unread` and `hidden_users`
    are set once people() has returned everyone."""

    slug: str = ""
    label: str = ""
    logo: str = ""
    docs: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    worldwide_ids: bool = False  # DirectoryPerson.id is unique among all directories of this kind
    file_purpose: str = ""  # as for Connector
    api_version: ApiVersion | None = None  # as for Connector
    today: date | None = None  # in the workspace's time zone, set by the caller; without it, the day in UTC
    settled: str = ""  # the mapping of the file's columns that people() used, as JSON
    notes: tuple[str, ...] = ()  # what people() didn't read in the file, in sentences
    file_from: datetime | None = None  # as for Connector; also None for a file that someone uploaded
    rules: str = ""  # the name of the field with rules on who has left, for a kind that takes them
    warnings: tuple[str, ...] = ()  # what someone should look at, in sentences
    unread: tuple[Unread, ...] | None = ()  # None: it couldn't look for any
    hidden_users: int = 0  # it can't see whether these are disabled, and nobody has accepted that

    def __init__(self, settings: dict[str, str]):
        self.settings = settings

    def content(self) -> bytes:
        """As for Connector."""
        raise NotImplementedError

    def close(self) -> None:
        """Close its connections."""

    def test(self) -> Identity:
        """As for Connector."""
        raise NotImplementedError

    def people(self) -> Iterator[DirectoryPerson]:
        """Everyone of every status, with their groups. It returns the whole list or raises."""
        raise NotImplementedError
