"""Acme Ads, a sample paid-social business: people, invitations, system users, and their tasks on each asset.
It represents any ad platform. Its API pages by offset and total. It doesn't know Rollcall."""

from __future__ import annotations

import os
import sqlite3

from flask import Blueprint, Flask, jsonify, redirect, render_template, request

from demo.frame import body, caller, check_form, check_token, new_app, number, problem, text
from demo.store import Refusal, Store, one_of

ROLES = {"admin": "Admin", "employee": "Employee", "finance": "Finance analyst"}
LISTS = {"people": "person", "invitations": "invitation", "system-users": "system user"}
ASSETS = {"ad-accounts": "ad account", "pages": "page", "pixels": "pixel"}
TASKS = ("MANAGE", "ADVERTISE", "ANALYZE")
MOST = 100  # entries on one page of the API
REASONS = {
    "last_admin": "The business needs an admin: make someone else an admin first.",
    "own_token": "This is the system user that the access token belongs to; it can't be removed with it.",
    "already_there": "Someone with this e-mail address is already in the business.",
    "not_found": "This user or asset no longer exists.",
}


class AdsStore(Store):
    """The people and assets of the Acme Ads business. `via` says where a change came from: "api", "page" or "story"."""

    schema = """
    CREATE TABLE IF NOT EXISTS user (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, kind TEXT NOT NULL, email TEXT UNIQUE COLLATE NOCASE,
        name TEXT NOT NULL, role TEXT NOT NULL, last_login TEXT);
    CREATE INDEX IF NOT EXISTS user_kind ON user (kind, number);
    CREATE TABLE IF NOT EXISTS asset (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, kind TEXT NOT NULL, name TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS assigned (
        number INTEGER PRIMARY KEY AUTOINCREMENT, asset TEXT NOT NULL REFERENCES asset (id) ON DELETE CASCADE,
        user TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE, tasks TEXT NOT NULL, UNIQUE (asset, user));
    """

    def __init__(self, folder: str | os.PathLike):
        super().__init__(folder)
        with self.writing() as db:
            if not db.execute("SELECT 1 FROM user WHERE kind = 'system user'").fetchone():
                self._insert(db, "system user", None, "Access token", "admin", None)

    def users(self) -> list[dict]:
        """People, invitations and system users, in the order in which they were added."""
        return self.page("user", 0, -1)

    def page(self, table: str, offset: int, limit: int, where: str = "1", *values: str) -> list[dict]:
        """Up to `limit` rows of a table, `offset` rows from its start."""
        with self.reading() as db:
            sql = f"SELECT * FROM {table} WHERE {where} ORDER BY number LIMIT ? OFFSET ?"
            return [dict(row) for row in db.execute(sql, (*values, limit, offset))]

    def count(self, table: str, where: str = "1", *values: str) -> int:
        with self.reading() as db:
            return db.execute(f"SELECT count(*) FROM {table} WHERE {where}", values).fetchone()[0]

    def user(self, id: str) -> dict:
        with self.reading() as db:
            return dict(self._found(db, "user", id))

    def own(self) -> dict:
        """The system user that the access token belongs to."""
        return self.page("user", 0, 1, "kind = 'system user'")[0]

    def add(self, kind: str, email: str | None, name: str, role: str, via: str, last_login: str | None = None) -> str:
        """Add a user and return the id. Refusal 409 if the address is already in the business."""
        one_of(kind, LISTS.values(), "kind")
        one_of(role, ROLES, "role")
        if kind != "system user" and ("@" not in (email or "") or len(email) > 200):
            raise Refusal(400, "invalid_email", "This isn't an e-mail address.")
        with self.writing() as db:
            id = self._insert(db, kind, email, name, role, last_login)
            self.note(db, via, "invited" if kind == "invitation" else "added", id, email or name, role)
        return id

    def add_many(self, people: list[tuple[str, str, str]]) -> None:
        """Add thousands of (email, name, role) at once; for tests."""
        with self.writing() as db:
            for email, name, role in people:
                self._insert(db, "person", email, name, role, None)

    def _insert(self, db: sqlite3.Connection, *values: object) -> str:
        try:
            sql = "INSERT INTO user (kind, email, name, role, last_login) VALUES (?, ?, ?, ?, ?)"
            row = db.execute(sql, values).lastrowid
        except sqlite3.IntegrityError:
            raise Refusal(409, "already_there", REASONS["already_there"]) from None
        id = str(61_000_000 + row)
        db.execute("UPDATE user SET id = ? WHERE number = ?", (id, row))
        return id

    def change_role(self, id: str, role: str, via: str) -> None:
        """Give a user another role in the business. Refusal 409 for the last admin."""
        one_of(role, ROLES, "role")
        with self.writing() as db:
            user = self._found(db, "user", id)
            if user["role"] == role:
                return
            self._not_own(db, user)
            self._not_last_admin(db, user)
            db.execute("UPDATE user SET role = ? WHERE id = ?", (role, id))
            self.note(db, via, "role changed", id, _called(user), f"{user['role']} → {role}")

    def accept(self, id: str, via: str) -> None:
        """The invited person joins and keeps the id."""
        with self.writing() as db:
            user = self._found(db, "user", id)
            if db.execute("UPDATE user SET kind = 'person' WHERE id = ? AND kind = 'invitation'", (id,)).rowcount:
                self.note(db, via, "accepted", id, _called(user), user["role"])

    def remove(self, id: str, via: str) -> None:
        """Remove someone from the business and every asset. Refusal 404 the second time, 409 for the last admin."""
        with self.writing() as db:
            user = self._found(db, "user", id)
            self._not_own(db, user)
            self._not_last_admin(db, user)
            db.execute("DELETE FROM user WHERE id = ?", (id,))
            self.note(db, via, "removed", id, _called(user), user["role"])

    def add_asset(self, kind: str, name: str, via: str) -> str:
        one_of(kind, ASSETS.values(), "kind")
        with self.writing() as db:
            row = db.execute("INSERT INTO asset (kind, name) VALUES (?, ?)", (kind, name)).lastrowid
            id = str(7_700_000 + row)
            db.execute("UPDATE asset SET id = ? WHERE number = ?", (id, row))
            self.note(db, via, f"{kind} added", id, name)
        return id

    def rename_asset(self, id: str, name: str, via: str) -> None:
        with self.writing() as db:
            before = self._found(db, "asset", id)
            db.execute("UPDATE asset SET name = ? WHERE id = ?", (name, id))
            self.note(db, via, f"{before['kind']} renamed", id, name, f"was {before['name']}")

    def remove_asset(self, id: str, via: str) -> None:
        with self.writing() as db:
            asset = self._found(db, "asset", id)
            db.execute("DELETE FROM asset WHERE id = ?", (id,))
            self.note(db, via, f"{asset['kind']} removed", id, asset["name"])

    def assign(self, asset: str, user: str, tasks: list[str], via: str) -> None:
        """Let a user do these tasks on an asset, and no others."""
        if not isinstance(tasks, list) or not tasks or any(task not in TASKS for task in tasks):
            raise Refusal(400, "invalid_tasks", f"“tasks” must be a list that contains only: {', '.join(TASKS)}.")
        sorted_tasks = ",".join(task for task in TASKS if task in tasks)
        with self.writing() as db:
            called, name = _called(self._found(db, "user", user)), self._found(db, "asset", asset)["name"]
            db.execute(
                "INSERT INTO assigned (asset, user, tasks) VALUES (?, ?, ?) "
                "ON CONFLICT (asset, user) DO UPDATE SET tasks = excluded.tasks",
                (asset, user, sorted_tasks),
            )
            self.note(db, via, "assigned", user, called, f"{name}: {sorted_tasks}")

    def unassign(self, asset: str, user: str, via: str) -> None:
        """Remove a user from an asset. Refusal 404 if they aren't assigned to it."""
        with self.writing() as db:
            called, name = _called(self._found(db, "user", user)), self._found(db, "asset", asset)["name"]
            if not db.execute("DELETE FROM assigned WHERE asset = ? AND user = ?", (asset, user)).rowcount:
                raise Refusal(404, "not_assigned", "This user isn't assigned to the asset.")
            self.note(db, via, "unassigned", user, called, name)

    def asset(self, id: str) -> dict:
        with self.reading() as db:
            return dict(self._found(db, "asset", id))

    def _found(self, db: sqlite3.Connection, table: str, id: str) -> sqlite3.Row:
        row = db.execute(f"SELECT * FROM {table} WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise Refusal(404, "not_found", f"There is no {table} with this id.")
        return row

    def _not_own(self, db: sqlite3.Connection, user: sqlite3.Row) -> None:
        own = db.execute("SELECT id FROM user WHERE kind = 'system user' ORDER BY number LIMIT 1").fetchone()
        if user["id"] == own["id"]:
            raise Refusal(409, "own_token", REASONS["own_token"])

    def _not_last_admin(self, db: sqlite3.Connection, user: sqlite3.Row) -> None:
        admins = db.execute("SELECT id FROM user WHERE role = 'admin' AND kind = 'person'").fetchall()
        if [admin["id"] for admin in admins] == [user["id"]]:
            raise Refusal(409, "last_admin", REASONS["last_admin"])


def _called(user: sqlite3.Row) -> str:
    return user["email"] or user["name"]


def create_app(store: AdsStore) -> Flask:
    """Acme Ads over this data: the API under /v1.0 and the page at /."""
    app = new_app("Acme Ads", api="/v1.0/")
    app.register_blueprint(_api(store), url_prefix="/v1.0")
    app.register_blueprint(_page(store))
    return app


def _api(store: AdsStore) -> Blueprint:
    api = Blueprint("api", __name__)
    api.before_request(lambda: check_token(store))

    @api.get("/me")
    def me():
        permissions = ["business_read", "business_management"] if caller(store) else ["business_read"]
        return jsonify(business={"id": "5100001", "name": "Acme Ads"}, user=_user(store.own()), permissions=permissions)

    for path, kind in LISTS.items():
        api.add_url_rule(f"/{path}", path, lambda kind=kind: _answer(store, "user", _user, "kind = ?", kind))
    for path, kind in ASSETS.items():
        api.add_url_rule(f"/{path}", path, lambda kind=kind: _answer(store, "asset", _asset, "kind = ?", kind))

    @api.get("/users/<id>")
    def user(id: str):
        return jsonify(_user(store.user(id)))

    @api.patch("/users/<id>")
    def change_role(id: str):
        store.change_role(id, body().get("role"), "api")
        return jsonify(_user(store.user(id)))

    @api.delete("/users/<id>")
    def remove(id: str):
        store.remove(id, "api")
        return jsonify(success=True)

    @api.post("/invitations")
    def invite():
        sent = body()
        email = text(sent, "email")
        id = store.add("invitation", email, email.partition("@")[0], sent.get("role", "employee"), "api")
        return jsonify(_user(store.user(id))), 201

    @api.get("/assets/<id>/assigned-users")
    def assigned(id: str):
        store.asset(id)
        return _answer(store, "assigned", _assigned, "asset = ?", id)

    @api.put("/assets/<id>/assigned-users/<user>")
    def assign(id: str, user: str):
        store.assign(id, user, body().get("tasks"), "api")
        return jsonify(success=True)

    @api.delete("/assets/<id>/assigned-users/<user>")
    def unassign(id: str, user: str):
        store.unassign(id, user, "api")
        return jsonify(success=True)

    return api


def _user(row: dict) -> dict:
    return {"id": row["id"], "type": row["kind"].replace(" ", "_")} | {
        name: row[name] for name in ("email", "name", "role", "last_login")
    }


def _asset(row: dict) -> dict:
    return {"id": row["id"], "name": row["name"]}


def _assigned(row: dict) -> dict:
    return {"user_id": row["user"], "tasks": row["tasks"].split(",")}


def _answer(store: AdsStore, table: str, shape, where: str, *values: str):
    """One page of a list, with the total number of rows."""
    offset, limit = number("offset", 0, 0, 10**9), number("limit", 25, 1, MOST)
    rows = [shape(row) for row in store.page(table, offset, limit, where, *values)]
    return jsonify(data=rows, paging={"offset": offset, "limit": limit, "total": store.count(table, where, *values)})


def _page(store: AdsStore) -> Blueprint:
    page = Blueprint("page", __name__)
    page.before_request(lambda: check_form(store.form_key))

    @page.get("/")
    def home():
        return render_template(
            "ads.html",
            store=store,
            own=store.own(),
            users=store.users(),
            assets=store.page("asset", 0, -1),
            assigned=store.page("assigned", 0, -1),
            roles=ROLES,
            tasks=TASKS,
            log=store.log(50),
            problem=problem(REASONS),
        )

    @page.post("/users")
    def add():
        kind = request.form.get("kind", "person")
        email, name = text(request.form, "email"), text(request.form, "name")
        store.add(kind, email, name, request.form.get("role", "employee"), "page")
        return redirect("/", 303)

    @page.post("/users/<id>")
    def change(id: str):
        store.change_role(id, request.form.get("role"), "page")
        return redirect("/", 303)

    @page.post("/users/<id>/acceptance")
    def accept(id: str):
        store.accept(id, "page")
        return redirect("/", 303)

    @page.post("/users/<id>/removal")
    def remove(id: str):
        store.remove(id, "page")
        return redirect("/", 303)

    @page.post("/assets")
    def add_asset():
        store.add_asset(request.form.get("kind", ""), text(request.form, "name"), "page")
        return redirect("/", 303)

    @page.post("/assets/<id>/removal")
    def remove_asset(id: str):
        store.remove_asset(id, "page")
        return redirect("/", 303)

    @page.post("/assets/<id>")
    def rename(id: str):
        store.rename_asset(id, text(request.form, "name"), "page")
        return redirect("/", 303)

    @page.post("/assets/<id>/assigned-users")
    def assign(id: str):
        store.assign(id, text(request.form, "user"), request.form.getlist("tasks"), "page")
        return redirect("/", 303)

    @page.post("/assets/<id>/assigned-users/<user>/removal")
    def unassign(id: str, user: str):
        store.unassign(id, user, "page")
        return redirect("/", 303)

    return page
