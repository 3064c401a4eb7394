"""Acme Chat, a sample app that is paid per seat: members, roles, channels, an API with cursors, and a page.
It represents any chat or wiki that a company pays for. It doesn't know Rollcall."""

from __future__ import annotations

import base64
import binascii
import os
import sqlite3

from flask import Blueprint, Flask, jsonify, redirect, render_template, request

from demo.frame import body, caller, check_form, check_token, new_app, number, problem, text
from demo.store import Refusal, Store, one_of

ROLES = {"owner": "Owner", "admin": "Admin", "member": "Member", "guest": "Guest"}
STATUSES = ("active", "invited", "deactivated")
CHANNEL_ROLES = ("manager", "member")
MOST = 200  # members on one page of the API
REASONS = {
    "last_owner": "The workspace needs an owner: make someone else an owner first.",
    "own_app": "This is the account that the access token belongs to; it can't be changed here.",
    "already_member": "There already is a member with this e-mail address.",
    "not_found": "This member or channel no longer exists.",
}


class ChatStore(Store):
    """The members of Acme Chat. `via` says where a change came from: "api", "page" or "story"."""

    schema = """
    CREATE TABLE IF NOT EXISTS member (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, email TEXT NOT NULL UNIQUE COLLATE NOCASE,
        name TEXT NOT NULL, role TEXT NOT NULL, status TEXT NOT NULL, last_active TEXT, is_bot INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS channel (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, name TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS channel_member (
        number INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL REFERENCES channel (id) ON DELETE CASCADE,
        member TEXT NOT NULL REFERENCES member (id) ON DELETE CASCADE, role TEXT NOT NULL, UNIQUE (channel, member));
    """

    def __init__(self, folder: str | os.PathLike):
        super().__init__(folder)
        with self.writing() as db:
            if not db.execute("SELECT 1 FROM member WHERE is_bot").fetchone():
                self._insert(db, "access-token@chat.invalid", "Access token", "admin", "active", None, True)

    def members(self) -> list[dict]:
        """All members, in the order in which they joined."""
        return self.page("member", 0, -1)

    def page(self, table: str, after: int, limit: int, where: str = "1", *values: str) -> list[dict]:
        """Up to `limit` rows of a table after the row number `after`."""
        with self.reading() as db:
            sql = f"SELECT * FROM {table} WHERE number > ? AND {where} ORDER BY number LIMIT ?"
            return [dict(row) for row in db.execute(sql, (after, *values, limit))]

    def count(self, table: str, where: str = "1", *values: str) -> int:
        with self.reading() as db:
            return db.execute(f"SELECT count(*) FROM {table} WHERE {where}", values).fetchone()[0]

    def member(self, id: str) -> dict:
        with self.reading() as db:
            return dict(self._found(db, "member", id))

    def channel(self, id: str) -> dict:
        with self.reading() as db:
            return dict(self._found(db, "channel", id))

    def add(
        self, email: str, name: str, role: str, via: str, status: str = "active", last_active: str | None = None
    ) -> str:
        """Add a member and return the id. Refusal 409 if the address already has an account."""
        one_of(role, ROLES, "role")
        one_of(status, STATUSES, "status")
        if "@" not in email or len(email) > 200:
            raise Refusal(400, "invalid_email", "This isn't an e-mail address.")
        with self.writing() as db:
            id = self._insert(db, email, name, role, status, last_active, False)
            self.note(db, via, "invited" if status == "invited" else "added", id, email, role)
        return id

    def add_many(self, members: list[tuple[str, str, str]]) -> None:
        """Add thousands of active (email, name, role) at once; for tests."""
        with self.writing() as db:
            for email, name, role in members:
                self._insert(db, email, name, role, "active", None, False)

    def _insert(self, db: sqlite3.Connection, *values: object) -> str:
        try:
            row = db.execute(
                "INSERT INTO member (email, name, role, status, last_active, is_bot) VALUES (?, ?, ?, ?, ?, ?)", values
            ).lastrowid
        except sqlite3.IntegrityError:
            raise Refusal(409, "already_member", REASONS["already_member"]) from None
        id = f"U{row:06d}"
        db.execute("UPDATE member SET id = ? WHERE number = ?", (id, row))
        return id

    def change(
        self, id: str, via: str, role: str | None = None, status: str | None = None, last_active: str | None = None
    ) -> None:
        """Give a member another role, status or time of last activity."""
        with self.writing() as db:
            member = self._found(db, "member", id)
            self._not_own(member)
            if role is not None and role != member["role"]:
                one_of(role, ROLES, "role")
                self._not_last_owner(db, member)
                db.execute("UPDATE member SET role = ? WHERE id = ?", (role, id))
                self.note(db, via, "role changed", id, member["email"], f"{member['role']} → {role}")
            if status is not None and status != member["status"]:
                one_of(status, STATUSES, "status")
                self._not_last_owner(db, member)
                db.execute("UPDATE member SET status = ? WHERE id = ?", (status, id))
                self.note(db, via, "status changed", id, member["email"], f"{member['status']} → {status}")
            if last_active is not None:
                db.execute("UPDATE member SET last_active = ? WHERE id = ?", (last_active, id))

    def remove(self, id: str, via: str) -> None:
        """Remove the account and its place in every channel. Refusal 404 the second time, 409 for the last owner."""
        with self.writing() as db:
            member = self._found(db, "member", id)
            self._not_own(member)
            self._not_last_owner(db, member)
            db.execute("DELETE FROM member WHERE id = ?", (id,))
            self.note(db, via, "removed", id, member["email"], member["role"])

    def add_channel(self, name: str, via: str) -> str:
        with self.writing() as db:
            row = db.execute("INSERT INTO channel (name) VALUES (?)", (name,)).lastrowid
            id = f"C{row:06d}"
            db.execute("UPDATE channel SET id = ? WHERE number = ?", (id, row))
            self.note(db, via, "channel added", id, name)
        return id

    def rename_channel(self, id: str, name: str, via: str) -> None:
        with self.writing() as db:
            before = self._found(db, "channel", id)["name"]
            db.execute("UPDATE channel SET name = ? WHERE id = ?", (name, id))
            self.note(db, via, "channel renamed", id, name, f"was {before}")

    def remove_channel(self, id: str, via: str) -> None:
        with self.writing() as db:
            name = self._found(db, "channel", id)["name"]
            db.execute("DELETE FROM channel WHERE id = ?", (id,))
            self.note(db, via, "channel removed", id, name)

    def join(self, channel: str, member: str, role: str, via: str) -> None:
        """Put a member into a channel, or give them another role in it."""
        one_of(role, CHANNEL_ROLES, "role")
        with self.writing() as db:
            email, name = self._found(db, "member", member)["email"], self._found(db, "channel", channel)["name"]
            db.execute(
                "INSERT INTO channel_member (channel, member, role) VALUES (?, ?, ?) "
                "ON CONFLICT (channel, member) DO UPDATE SET role = excluded.role",
                (channel, member, role),
            )
            self.note(db, via, "joined channel", member, email, f"{name} as {role}")

    def leave(self, channel: str, member: str, via: str) -> None:
        """Remove a member from a channel. Refusal 404 if they aren't in it."""
        with self.writing() as db:
            email, name = self._found(db, "member", member)["email"], self._found(db, "channel", channel)["name"]
            sql = "DELETE FROM channel_member WHERE channel = ? AND member = ?"
            if not db.execute(sql, (channel, member)).rowcount:
                raise Refusal(404, "not_in_channel", "This member isn't in the channel.")
            self.note(db, via, "left channel", member, email, name)

    def _found(self, db: sqlite3.Connection, table: str, id: str) -> sqlite3.Row:
        row = db.execute(f"SELECT * FROM {table} WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise Refusal(404, "not_found", f"There is no {table} with this id.")
        return row

    def _not_own(self, member: sqlite3.Row) -> None:
        if member["is_bot"]:
            raise Refusal(409, "own_app", REASONS["own_app"])

    def _not_last_owner(self, db: sqlite3.Connection, member: sqlite3.Row) -> None:
        owners = db.execute("SELECT id FROM member WHERE role = 'owner' AND status = 'active'").fetchall()
        if [owner["id"] for owner in owners] == [member["id"]]:
            raise Refusal(409, "last_owner", REASONS["last_owner"])


def create_app(store: ChatStore) -> Flask:
    """Acme Chat over this data: the API under /api/v1 and the page at /."""
    app = new_app("Acme Chat")
    app.register_blueprint(_api(store), url_prefix="/api/v1")
    app.register_blueprint(_page(store))
    return app


def _api(store: ChatStore) -> Blueprint:
    api = Blueprint("api", __name__)
    api.before_request(lambda: check_token(store))

    @api.get("/me")
    def me():
        own = store.page("member", 0, 1, "is_bot")[0]
        scopes = ["members:read", "members:write", "channels:write"] if caller(store) else ["members:read"]
        return jsonify(workspace="Acme Chat", member=_member(own), scopes=scopes)

    @api.get("/roles")
    def roles():
        return jsonify(roles=[{"id": id, "name": name} for id, name in ROLES.items()])

    @api.get("/members")
    def members():
        return _answer(store, "member", "members", _member)

    @api.get("/members/<id>")
    def member(id: str):
        return jsonify(_member(store.member(id)))

    @api.patch("/members/<id>")
    def change_member(id: str):
        sent = body()
        store.change(id, "api", role=sent.get("role"), status=sent.get("status"))
        return jsonify(_member(store.member(id)))

    @api.delete("/members/<id>")
    def remove_member(id: str):
        store.remove(id, "api")
        return "", 204

    @api.post("/invitations")
    def invite():
        sent = body()
        email = text(sent, "email")
        id = store.add(email, email.partition("@")[0], sent.get("role", "member"), "api", status="invited")
        return jsonify(_member(store.member(id))), 201

    @api.get("/channels")
    def channels():
        return _answer(store, "channel", "channels", lambda row: {"id": row["id"], "name": row["name"]})

    @api.get("/channels/<id>/members")
    def channel_members(id: str):
        def shape(row: dict) -> dict:
            return {"member": row["member"], "role": row["role"]}

        store.channel(id)
        return _answer(store, "channel_member", "members", shape, "channel = ?", id)

    @api.put("/channels/<id>/members/<member>")
    def join(id: str, member: str):
        store.join(id, member, body().get("role", "member"), "api")
        return "", 204

    @api.delete("/channels/<id>/members/<member>")
    def leave(id: str, member: str):
        store.leave(id, member, "api")
        return "", 204

    return api


def _member(row: dict) -> dict:
    shown = {name: row[name] for name in ("id", "email", "name", "role", "status", "last_active")}
    return shown | {"is_bot": bool(row["is_bot"])}


def _answer(store: ChatStore, table: str, list_name: str, shape, where: str = "1", *values: str):
    """One page of a list. The cursor is the last row's number, so that nobody is skipped when someone leaves."""
    limit = number("limit", 100, 1, MOST)
    rows = store.page(table, _from_cursor(request.args.get("cursor", "")), limit + 1, where, *values)
    after = _to_cursor(rows[limit - 1]["number"]) if len(rows) > limit else ""
    total = store.count(table, where, *values)
    return jsonify({list_name: [shape(row) for row in rows[:limit]], "total": total, "next_cursor": after})


def _to_cursor(number: int) -> str:
    return base64.urlsafe_b64encode(f"after:{number}".encode()).decode()


def _from_cursor(cursor: str) -> int:
    try:
        word, _, number = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        if cursor == "" or word == "after" and number.isascii() and len(number) < 12:
            return int(number or 0)
    except (binascii.Error, UnicodeError, ValueError):
        pass
    raise Refusal(400, "invalid_cursor", "This cursor doesn't come from this list.")


def _page(store: ChatStore) -> Blueprint:
    page = Blueprint("page", __name__)
    page.before_request(lambda: check_form(store.form_key))

    @page.get("/")
    def home():
        return render_template(
            "chat.html",
            store=store,
            members=store.members(),
            channels=store.page("channel", 0, -1),
            joined=store.page("channel_member", 0, -1),
            roles=ROLES,
            log=store.log(50),
            problem=problem(REASONS),
        )

    @page.post("/members")
    def add():
        store.add(text(request.form, "email"), text(request.form, "name"), request.form.get("role", "member"), "page")
        return redirect("/", 303)

    @page.post("/members/<id>")
    def change(id: str):
        store.change(id, "page", role=request.form.get("role"), status=request.form.get("status"))
        return redirect("/", 303)

    @page.post("/members/<id>/removal")
    def remove(id: str):
        store.remove(id, "page")
        return redirect("/", 303)

    @page.post("/channels")
    def add_channel():
        store.add_channel(text(request.form, "name"), "page")
        return redirect("/", 303)

    @page.post("/channels/<id>/removal")
    def remove_channel(id: str):
        store.remove_channel(id, "page")
        return redirect("/", 303)

    @page.post("/channels/<id>")
    def rename(id: str):
        store.rename_channel(id, text(request.form, "name"), "page")
        return redirect("/", 303)

    @page.post("/channels/<id>/members")
    def join(id: str):
        store.join(id, text(request.form, "member"), request.form.get("role", "member"), "page")
        return redirect("/", 303)

    @page.post("/channels/<id>/members/<member>/removal")
    def leave(id: str, member: str):
        store.leave(id, member, "page")
        return redirect("/", 303)

    return page
