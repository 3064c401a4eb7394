"""The rules of protection give the same answer in a check, of all accounts at once, as for one account alone; and it is
the one that a plain reading of the rules gives. On generated people and accounts, in a real database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.db import db
from sync.models import Account, App, Person, PersonEmail
from sync.safety import protection, wanted
from sync.states import Protection
from sync.workspace import today

SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
BEFORE_LAST = tuple(code for code in Protection if code is not Protection.LAST_ADMINISTRATOR)
ADDRESSES = ("ada@acme.example", "bo@acme.example", "cy@acme.example", "")


@dataclass(frozen=True)
class Human:
    hold: str | None
    status: str
    days: int | None  # until the remove-on date


@dataclass(frozen=True)
class Seat:
    owner: int | None  # place in the list of humans
    match_kind: str
    reason: str | None
    kind: str
    email_key: str
    email_when_matched: str | None
    held: str | None  # its address by now, while a guard holds that
    is_identity: bool


rarely = st.sampled_from((None, None, None, "case 12", "it's \"ours\""))
humans = st.lists(
    st.builds(Human, hold=rarely, status=st.sampled_from(("active", "suspended", "deprovisioned", "deprovisioned")),
              days=st.sampled_from((None, None, -1, 0, 1, 400))), min_size=3, max_size=3,
)  # fmt: skip
accounts = st.lists(
    st.builds(Seat, owner=st.sampled_from((0, 1, 2, None)),
              match_kind=st.sampled_from(("matched", "matched", "unmatched", "guest", "service account")),
              reason=rarely,
              kind=st.sampled_from(("user", "user", "user", "system")), email_key=st.sampled_from(ADDRESSES),
              email_when_matched=st.sampled_from((None, "", *ADDRESSES)),
              held=st.sampled_from((None, None, *ADDRESSES)),
              is_identity=st.sampled_from((False, False, False, True))), min_size=1, max_size=4,
)  # fmt: skip


def expected(seat: Seat, people: list[Human], is_identity: bool) -> Protection | None:
    """Each human `n` has the address ADDRESSES[n] and no other."""
    person = None if seat.owner is None else people[seat.owner]
    if person and person.hold is not None:
        return Protection.HOLD
    left = person and seat.match_kind == "matched" and person.status == "deprovisioned"
    if left and person.days is not None and person.days > 0:
        return Protection.KEPT_UNTIL
    if seat.reason is not None:
        return Protection.BY_HAND
    if is_identity:
        return Protection.AUTOMATION_ACCOUNT
    if seat.kind == "system":
        return Protection.SYSTEM
    here = {address for number, address in enumerate(ADDRESSES[:3])
            if people[number].status != "deprovisioned" and number != seat.owner}  # fmt: skip
    if {seat.email_key, seat.held} & here:
        return Protection.ANOTHERS_ADDRESS
    theirs = seat.owner is not None and seat.email_key == ADDRESSES[seat.owner]
    if seat.email_when_matched not in (None, "", seat.email_key) and not theirs:
        return Protection.OTHER_EMAIL
    return None


def create(app: App, people: list[Human], seats: list[Seat]) -> dict[int, Seat]:
    rows = []
    for number, human in enumerate(people):
        day = None if human.days is None else today() + timedelta(days=human.days)
        rows.append(Person.create(name=f"Human {number}", legal_hold_reason=human.hold, status=human.status,
                                  remove_on=day))
        PersonEmail.create(person=rows[-1], email=ADDRESSES[number], email_key=ADDRESSES[number], by_hand=True)
    made = {}
    for number, seat in enumerate(seats):
        row = Account.create(
            app=app, external_id=f"s{number}", person=None if seat.owner is None else rows[seat.owner],
            match_kind=seat.match_kind, protection_reason=seat.reason, kind=seat.kind, email_key=seat.email_key,
            email_when_matched=seat.email_when_matched,
            held_values=None if seat.held is None else {"email_key": seat.held})  # fmt: skip
        made[row.id] = seat
    return made


def in_a_check(app: App, account_ids: list[int]) -> dict[int, tuple]:
    wanted.want_nothing()
    db.executemany("INSERT INTO wanted (kind, in_app, account_id) VALUES ('removed user', TRUE, ?)",
                                [(account_id,) for account_id in account_ids])  # fmt: skip
    protection.protect("removed user", {"identity": app.automation_external_id, "today": str(today())})
    rows = db.execute_sql("SELECT account_id, protection, protection_reason FROM wanted").fetchall()
    return {account_id: (code, words) for account_id, code, words in rows}


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(people=humans, seats=accounts)
def test_all_accounts_at_once_and_each_alone_are_protected_alike(home, people, seats):
    with db.atomic() as attempt:
        identity = next((f"s{number}" for number, seat in enumerate(seats) if seat.is_identity), None)
        app = App.create(connector="listed", name="Listed", category="Test", automation_external_id=identity)
        made = create(app, people, seats)
        at_once = in_a_check(app, list(made))
        for account in Account.select():
            why = protection.of(account, *BEFORE_LAST)
            assert at_once[account.id] == ((why.code, why.words) if why else (None, None))
            rule = expected(made[account.id], people, account.external_id == identity)
            assert (why and why.code) == rule, "what the rules say in plain words"
        attempt.rollback()
