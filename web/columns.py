"""What the columns of a file mean: asked on a page after it was uploaded, and when a later file has something new.
The same page serves a waiting file (a new directory, a new list or export, an import) and a file in use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, request, url_for

from connectors.base import ConnectorError
from sync.apps import apps, drafts
from sync.apps.kinds import kind_of
from sync.credentials import SecretNeeded
from sync.directory import directories, waiting_files
from sync.directory.directories import DirectoryProblem
from sync.directory.waiting_files import Done
from sync.files import columns
from sync.jobs import asking
from sync.mail import reach as mail_reach
from sync.models import App, Directory, WaitingFile
from sync.people.importing import ImportOutcome
from sync.people.people import PeopleProblem
from sync.problems import AppProblem, Overtaken
from sync.states import AppManager, AppState, DirectoryState, FileState, Tone
from sync.vault import VaultProblem
from web.answers import INVALID, go_to, page_or_part
from web.column_form import answers_of, form_of
from web.frame import MANAGERS
from web.permissions import NotTheirs, app_manager, signed_in, workspace_role
from web.rows import row_or_404
from web.security import by, signed_in_person
from web.words import plural

if TYPE_CHECKING:
    from connectors import Proposal

pages = Blueprint("columns", __name__)

GONE = ("That file is no longer stored. Files are deleted after a day, or when you have uploaded several others. "
        "If you still need it, upload it again.")  # fmt: skip
DISCARDED = "The file was discarded. Nothing was changed."
NO_FILE = "It isn't read from a file, so it has no columns."
CONTROLS = ("c-", "v-")  # ids of the controls that are sent as soon as they are changed
REFUSALS = (AppProblem, ConnectorError, DirectoryProblem, Overtaken, PeopleProblem, SecretNeeded, VaultProblem)


@dataclass(frozen=True)
class Place:
    """Where a file belongs: what the page says about it, and what it can do."""

    name: str  # the file's
    back: str
    back_word: str
    address: str
    go_on: str  # the button's words
    after: str  # what the button does, in a sentence
    look: Callable[[], Proposal]
    answer: Callable[[Mapping[str, str]], Proposal]
    use: Callable[[], Response]
    discards: bool = False

    @property
    def used_at(self) -> str:
        """Where the form is sent to use the file."""
        return f"{self.address}/use" if self.discards else self.address

    @property
    def answers(self) -> str:
        """Where answers are sent to."""
        return f"{self.address}/answers?_method=PUT" if self.discards else f"{self.address}?_method=PUT"


@pages.get("/files/<int:file_id>")
@signed_in
def show(file_id: int) -> str | Response | tuple[str, int]:
    return _page(_of_waiting(file_id))


@pages.put("/files/<int:file_id>/answers")
@signed_in
def answer(file_id: int) -> str | Response | tuple[str, int]:
    return _answered(_of_waiting(file_id))


@pages.post("/files/<int:file_id>/use")
@signed_in
def use(file_id: int) -> Response | tuple[str, int]:
    return _used(_of_waiting(file_id))


@pages.delete("/files/<int:file_id>")
@signed_in
def delete(file_id: int) -> Response:
    _of_waiting(file_id)
    waiting_files.discard(_waiting(file_id))
    return _ended(_waiting(file_id))


@pages.get("/directories/<int:directory_id>/columns")
@workspace_role(*MANAGERS)
def show_directory(directory_id: int) -> str | Response | tuple[str, int]:
    return _page(_of_directory(directory_id))


@pages.put("/directories/<int:directory_id>/columns")
@workspace_role(*MANAGERS)
def answer_directory(directory_id: int) -> str | Response | tuple[str, int]:
    return _answered(_of_directory(directory_id))


@pages.post("/directories/<int:directory_id>/columns")
@workspace_role(*MANAGERS)
def use_directory(directory_id: int) -> Response | tuple[str, int]:
    return _used(_of_directory(directory_id))


@pages.get("/apps/<int:app_id>/columns")
@app_manager(AppManager.OWNER)
def show_app(app: App) -> str | Response | tuple[str, int]:
    return _page(_of_app(app))


@pages.put("/apps/<int:app_id>/columns")
@app_manager(AppManager.OWNER)
def answer_app(app: App) -> str | Response | tuple[str, int]:
    return _answered(_of_app(app))


@pages.post("/apps/<int:app_id>/columns")
@app_manager(AppManager.OWNER)
def use_app(app: App) -> Response | tuple[str, int]:
    return _used(_of_app(app))


def address_of(waiting: WaitingFile) -> str:
    return url_for("columns.show", file_id=waiting.id)


def _page(place: Place) -> str | Response | tuple[str, int]:
    try:
        return _rendered(place, place.look())
    except REFUSALS as problem:
        return go_to(place.back, str(problem), Tone.ATTENTION)


def _answered(place: Place) -> str | Response | tuple[str, int]:
    """Keep the answers and read the file again. An answer that is refused is not kept, and the page says why."""
    try:
        found = place.look()
        confirmed = not (request.htmx and (request.htmx.trigger or "").startswith(CONTROLS))
        found = place.answer(answers_of(request.form, found, confirmed))
        return _rendered(place, found) if request.htmx else go_to(place.address)
    except REFUSALS as problem:
        return _refused(place, str(problem))


def _used(place: Place) -> Response | tuple[str, int]:
    try:
        found = place.look()
        if answers := answers_of(request.form, found):
            found = place.answer(answers)
        if not found.may_be_applied:
            return _rendered(place, found, "Some questions are still open. Nothing was changed.")
        return place.use()
    except REFUSALS as problem:
        return _refused(place, str(problem))


def _refused(place: Place, problem: str) -> str | Response | tuple[str, int]:
    """The page again, with the reason why the answers were refused."""
    try:
        return _rendered(place, place.look(), problem)
    except REFUSALS:
        return go_to(place.back, problem, Tone.ATTENTION)


def _rendered(place: Place, found: Proposal, problem: str = "") -> tuple[str, int]:
    page = page_or_part("columns/show.html", "columns/_columns.html", place=place, problem=problem, form=form_of(found))
    return page, INVALID if problem else 200


def _waiting(file_id: int) -> WaitingFile:
    """The file, for the person who uploaded it; anyone else gets the same answer as for a file that is gone."""
    return waiting_files.of(signed_in_person(), file_id) or abort(go_to(url_for("apps.index"), GONE, Tone.ATTENTION))


def _of_waiting(file_id: int) -> Place:
    """The place of a file that waits: for the person who uploaded it, as long as they may do what it is for."""
    waiting = _still_waiting(file_id)
    back, back_word, go_on, after = _door(waiting)
    return Place(
        name=waiting.file_name or "the file", back=back, back_word=back_word,
        address=url_for("columns.show", file_id=waiting.id), go_on=go_on, after=after,
        look=lambda: waiting_files.proposal(_still_waiting(file_id)),
        answer=lambda answers: waiting_files.answer(waiting, answers), use=lambda: _go_on(waiting), discards=True,
    )  # fmt: skip


def _still_waiting(file_id: int) -> WaitingFile:
    waiting = _waiting(file_id)
    return waiting if waiting.state == FileState.WAITING else abort(_ended(waiting))


def _door(waiting: WaitingFile) -> tuple[str, str, str, str]:
    """(where it came from, what that is called, the button, what it does)."""
    if waiting.purpose == waiting_files.EXPORT:
        if apps.manages_as(signed_in_person(), waiting.app) != AppManager.OWNER:
            raise NotTheirs(waiting.app)
        return (url_for("apps.show", app_id=waiting.app_id), waiting.app.name, "Read this export",
                f"{waiting.app.name} is checked with it.")
    if signed_in_person().workspace_role not in MANAGERS:
        raise NotTheirs
    if waiting.purpose == waiting_files.IMPORT:
        return (url_for("people.index"), "People", "Import these people",
                "Only people in this file are changed.")
    if waiting.purpose == waiting_files.LIST:
        return (url_for("directories.show", directory_id=waiting.directory_id), waiting.directory.name,
                "Show what it would change", "Nothing is changed yet.")
    return (url_for("directories.new_of_kind", kind=waiting.kind), "Connect a directory", "Connect this directory",
            "The first reading starts at once.")


def _go_on(waiting: WaitingFile) -> Response:
    waiting_files.use(waiting, by(), lambda done: _in_words(done, waiting))
    return _ended(_waiting(waiting.id))


def _in_words(done: Done, waiting: WaitingFile) -> tuple[str, Tone]:
    """The message about a file that was used, and its tone."""
    if done.directory:
        return f"{done.directory.name} is connected. Its first reading has started.", Tone.OK
    if done.identity:
        works = f"{done.identity.name}: the app is being checked with it."
        return works if waiting.app.is_active else f"Connection works: {done.identity.name}.", Tone.OK
    return result_of(done.outcome) if done.outcome else waiting_files.UNSAID


def _ended(waiting: WaitingFile) -> Response:
    """To where its use led, or to where it was uploaded. The same request again gets the same answer as the first."""
    address = _door(waiting)[0]
    if waiting.state == FileState.DISCARDED:
        return go_to(address, DISCARDED)
    if waiting.purpose == waiting_files.LIST:
        return go_to(url_for("directory_lists.show", directory_id=waiting.directory_id))
    if waiting.purpose == waiting_files.DIRECTORY:
        address = url_for("directories.show", directory_id=waiting.directory_id)
    earlier = "" if request.endpoint == "columns.use" else f"{waiting.file_name or 'The file'} was already used: "
    return go_to(address, earlier + waiting.message, waiting.tone)


def imported(outcome: ImportOutcome) -> Response:
    """To the people, with the result of the import."""
    return go_to(url_for("people.index"), *result_of(outcome))


def result_of(outcome: ImportOutcome) -> tuple[str, Tone]:
    """The result of an import: "60 added, 2 updated, 1 unchanged. Not read: Phone."."""
    result = f"{outcome.added:,} added, {outcome.updated:,} updated, {outcome.unchanged:,} unchanged."
    if outcome.held:
        result += (f" Changes of {plural(outcome.held, 'person', 'people')} are held, because they have left or rank "
                   "above you. They wait until someone releases them.")  # fmt: skip
    unread = f"Not read: {', '.join(outcome.unread)}." if outcome.unread else ""
    warning = mail_reach.warning(outcome.emails)
    return " ".join(filter(None, (result, unread, warning))), Tone.ATTENTION if warning else Tone.OK


def _of_directory(directory_id: int) -> Place:
    directory = row_or_404(Directory, directory_id)
    back = url_for("directories.show", directory_id=directory.id)
    if not columns.takes_a_mapping(_kind_of(directory)):
        abort(go_to(back, NO_FILE, Tone.ATTENTION))

    def use_it() -> Response:
        columns.remember(directory, columns.of_directory(directory).settled(), by())
        if directory.state == DirectoryState.ACTIVE:
            directories.ask(directory, by())
        return go_to(back, f"Saved. {directory.name} is being read.")

    return Place(
        name=directory.name, back=back, back_word=directory.name,
        address=url_for("columns.show_directory", directory_id=directory.id),
        go_on="Save and read again", after="Every reading from now on uses these answers.",
        look=lambda: columns.of_directory(directory), use=use_it,
        answer=lambda answers: _remembered(directory, columns.of_directory, answers),
    )  # fmt: skip


def _kind_of(directory: Directory):
    try:
        return directories.connector_class(directory.kind)
    except DirectoryProblem:
        abort(404)


def _of_app(app: App) -> Place:
    draft = app.state == AppState.CONNECTING
    back = url_for("connect.credential" if draft else "apps.show", app_id=app.id)
    if not columns.takes_a_mapping(kind_of(app)):
        abort(go_to(back, NO_FILE, Tone.ATTENTION))
    return Place(
        name=app.name, back=back, back_word=app.name, address=url_for("columns.show_app", app_id=app.id),
        go_on="Continue" if draft else "Save and check again",
        after="Next: its Owners, and the time of its check." if draft
        else "Every check from now on uses these answers.",
        look=lambda: columns.of_app(app), use=lambda: _use_for_app(app, back),
        answer=lambda answers: _remembered(app, columns.of_app, answers),
    )  # fmt: skip


def _use_for_app(app: App, back: str) -> Response:
    settled = columns.of_app(app).settled()
    columns.remember(app, settled, by())
    if app.state == AppState.CONNECTING:
        fields = apps.connector_class(app.connector).fields
        kept = {field.name: app.settings.get(field.name, "") for field in fields if not field.secret}
        drafts.enter(app, app.name, kept | {columns.MAPPING: settled})
        return go_to(url_for("connect.owners", app_id=app.id))
    if app.is_active:
        asking.ask(app, by())
    return go_to(back, f"Saved. {app.name} is being checked.")


def _remembered(target: App | Directory, look: Callable, answers: Mapping[str, str]) -> Proposal:
    columns.remember(target, columns.answered(look(target), answers), by())
    return look(type(target).get_by_id(target.id))

