"""What a form asks about the assets that someone alone manages: who gets each of them, or that nobody does.
The same in Sync Data, in Offboard everywhere and for members; the core decides (sync/tasks/succession)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from flask import request

from sync.models import Account, App, Asset
from sync.names import account_name, asset_name
from sync.safety import successors
from sync.tasks import succession
from sync.words import listed
from web.components import asset_list

NOBODY = "nobody"
ACCEPT = "Nobody. I accept that it has no manager"
FIELD = re.compile(r"manager-(\d{1,18})-(\d{1,18})")

Options = list[tuple[str, list[tuple[str, str]]]]  # (label of a group, its (value, label))


@dataclass(frozen=True)
class Choice:
    """The list from which a successor is chosen. `together`: ids of the accounts that manage the asset as well, so that
    it is asked only where they leave too."""

    name: str
    label: str
    empty: str  # what it says before something is chosen
    value: str
    options: Options
    together: str = ""


@dataclass(frozen=True)
class Block:
    """What a row says and asks about what its account alone manages."""

    sentence: str
    advice: str
    choices: list[Choice]
    same: Choice | None  # one for all of them, where there are several
    email: Choice | None  # someone who isn't in the lists, where those don't hold everyone


class Asking:
    """Makes the blocks of a page. `alone` is what leaving accounts manage alone, or together with others of `leaving`:
    the ids of all accounts that may leave by the same approval."""

    def __init__(self, app: App, alone: Mapping[int, list[Asset]], leaving: Collection[int]):
        self.app, self.alone = app, alone
        self.may_follow = bool(alone) and succession.may_follow(app, alone)
        self.managers: dict[int, list[int]] = {}
        for account_id, assets in alone.items():
            for asset in assets:
                self.managers.setdefault(asset.id, []).append(account_id)
        self.found = successors.candidates(app, self.managers, leaving) if self.may_follow else None
        self.names = successors.names(alone)

    def block(self, account_id: int, only: list[Asset] | None = None) -> Block | None:
        """None for an account whose assets all have another manager. `only`: about these of them."""
        if not (assets := only or self.alone.get(account_id)):
            return None
        several = len(assets) > 1
        choices = [self._choice(account_id, asset, several) for asset in assets]
        same = self._same(account_id, assets) if several else None
        email = None
        if self.found and self.found.more:
            email = Choice(f"manager-{account_id}-email", "Someone else, by e-mail", "",
                           request.values.get(f"manager-{account_id}-email", ""), [])  # fmt: skip
        return Block(self._sentence(account_id, assets), self._advice(several), choices, same, email)

    def _sentence(self, account_id: int, assets: list[Asset]) -> str:
        shared: dict[tuple[int, ...], list[Asset]] = {}
        for asset in assets:
            shared.setdefault(tuple(self.managers[asset.id]), []).append(asset)
        sentences = []
        for managers, theirs in shared.items():
            others = [self.names[id] for id in managers if id != account_id]
            verb = f"and {listed(others)} are the only managers of" if others else "is the only manager of"
            sentences.append(f"{self.names[account_id]} {verb} {asset_list(theirs)}.")
        return " ".join(sentences)

    def _advice(self, several: bool) -> str:
        it, them = ("each", "them") if several else ("it", "it")
        if self.may_follow:
            return f"Choose who gets {it} first."
        return (f"Rollcall can't hand {them} over in {self.app.name}. Assign another manager there and "
                "check again, or accept that there is none.")  # fmt: skip

    def _choice(self, account_id: int, asset: Asset, several: bool) -> Choice:
        name = f"manager-{account_id}-{asset.id}"
        others = [str(id) for id in self.managers[asset.id] if id != account_id]
        return Choice(name, f"Hand over “{asset_name(asset)}” to", "The same for all" if several else "Choose",
                      request.values.get(name, ""), self._options(asset), " ".join(others))  # fmt: skip

    def _same(self, account_id: int, assets: list[Asset]) -> Choice:
        name = f"manager-{account_id}-all"
        value, options = request.values.get(name, ""), self._options(None)
        return Choice(name, f"Hand over all {len(assets)} to", "Choose", value, options)

    def _options(self, asset: Asset | None) -> Options:
        found: Options = []
        if self.found is not None:
            known = self.found.with_access.get(asset.id, []) if asset is not None else []
            ids = {account.id for account in known}
            found = [("Already has access", _named(known)),
                     (f"Others in {self.app.name}", _named(one for one in self.found.others if one.id not in ids))]
        return [group for group in found if group[1]] + [("Without a successor", [(NOBODY, ACCEPT)])]


def _named(accounts: Iterable[Account]) -> list[tuple[str, str]]:
    names = [(account, account_name(account)) for account in accounts]
    return [(str(account.id), f"{name} ({account.email})" if account.email and account.email != name else name)
            for account, name in names]  # fmt: skip


def chosen(app: App | None = None) -> dict[tuple[int, int], int | None]:
    """What the form says, by account and asset; without those about which nothing is chosen. Raises SuccessorProblem.

    `app`: where an e-mail names the successor; without one, no form of the page asks for that.
    """
    found: dict[tuple[int, int], int | None] = {}
    for name in request.form:
        if not (asked := FIELD.fullmatch(name)):
            continue
        account_id, asset_id = map(int, asked.groups())
        same, email = (request.form.get(f"manager-{account_id}-{key}", "").strip() for key in ("all", "email"))
        value = request.form[name] or same
        if value == NOBODY:
            found[account_id, asset_id] = None
        elif value.isascii() and value.isdecimal() and len(value) < 19:
            found[account_id, asset_id] = int(value)
        elif email and app is not None:
            found[account_id, asset_id] = successors.named(app, email).id
    return found
