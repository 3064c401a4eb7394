"""Opens an installation, and names every background job: importing this is what makes a process know them all.
A job that a new module decorates is added to JOBS; a test compares the two."""

from __future__ import annotations

import connectors
from sync import activity, restored, seals, vault
from sync.apps import drafts
from sync.checks import checks, comparison
from sync.config import Config
from sync.db import DatabaseRefused, closed_if_it_fails, connect_database, db
from sync.directory import address_moves, directories, last_days, push, scim_people, unused_keys, waiting_files
from sync.jobs import queue
from sync.mail import news, outbox
from sync.offboarding import offboarding
from sync.people import held_answered
from sync.reports import acceptances
from sync.search import index as search_index
from sync.settings import setting
from sync.sign_in import forgotten, given_answers, kept_requests, refusals, sessions
from sync.sign_in import waiting as waiting_sign_ins
from sync.tasks import invitations, tasks

JOBS = (
    directories.run,
    checks.run,
    tasks.run,
    outbox.run,
    forgotten.run,
    directories.start_due,
    scim_people.retry_unclear_users,
    scim_people.report_held,
    push.note_failures,
    address_moves.follow_decisions_by_hand,
    last_days.mark_left,
    held_answered.close_answered,
    checks.start_due,
    comparison.compare_due,
    tasks.look_again_at_returned,
    invitations.remind_and_expire,
    acceptances.reopen_due,
    offboarding.end_keep_until_dates,
    offboarding.carry_out_due,
    news.send_reminders,
    drafts.delete_expired,
    waiting_files.delete_expired,
    unused_keys.delete_unused,
    waiting_sign_ins.delete_expired,
    kept_requests.delete_expired,
    given_answers.delete_expired,
    sessions.delete_ended,
    refusals.record_further,
    restored.look,
    search_index.bring_up_to_date,
)


MOVED = "moved to"  # the name of the database that has the workspace now


def open_all(config: Config, although_moved: bool = False) -> None:
    """As connect_all(), without a connection afterwards."""
    connect_all(config, although_moved)
    db.close()


def connect_all(config: Config, although_moved: bool = False) -> None:
    """Open key file, database and queue; this thread is connected afterwards. Raises VaultProblem or DatabaseRefused
    with what to do."""
    config.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    connectors.allow_networks(config.private_networks)
    connectors.load_folder(config.home / "connectors")
    vault.open_vault(config.secret_key_file)
    connect_database(config.database_url or config.database_path)
    with closed_if_it_fails():
        if not although_moved and (name := moved_to()):
            raise DatabaseRefused(f"This workspace was moved to {name}. Set ROLLCALL_DATABASE to that database, or use "
                                  "this one again with: python app.py move --undo")
        if db.on_server and not seals.has_its_key():
            raise vault.VaultProblem(f"{config.secret_key_file} isn't the key of this database. Nothing was changed. "
                                     "Copy the key file from a machine that uses the database already.")
        # A log on a server always had a key, and a machine may be new. Beside a file, its folder says what was in use.
        seals.renew(may_be_unkeyed=not db.on_server and not restored.has_noted_a_key(config.home))
        activity.record_migrations()
        queue.open_queue(config.database_url or config.database_path)
        restored.begin(config.home)
    outbox.configure(config.smtp_url, config.url)


def moved_to() -> str | None:
    """Where the workspace is, if it was moved away from this database."""
    return setting(MOVED)
