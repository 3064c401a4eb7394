"""The Assets tab of an app: what is in it, and who may use what."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, request, url_for

from sync.apps import assets
from sync.models import App, Asset
from web.app_page import match_in_words, page
from web.permissions import app_part

pages = Blueprint("assets", __name__, url_prefix="/apps/<int:app_id>/assets")


@pages.get("")
@app_part("collaborator")
def index(app: App) -> str:
    wanted = {"kind": request.args.get("kind", ""), "search": request.args.get("search", "").strip()}
    found = assets.search(app, wanted["kind"], wanted["search"], request.args.get("page", 1, type=int))
    here = url_for("assets.index", app_id=app.id)
    return page(
        app, "assets/index.html", "assets/_list.html", page=found, kinds=assets.kinds(app), asset_kind=wanted["kind"],
        search=wanted["search"], address=here + "?" + urlencode({key: text for key, text in wanted.items() if text}),
    )


@pages.get("/<int:asset_id>")
@app_part("collaborator")
def show(app: App, asset: Asset) -> str:
    found = assets.access_to(asset, request.args.get("page", 1, type=int))
    alone = [access for access in found.rows if access.privileged]
    return page(
        app, "assets/show.html", "assets/_access.html", asset=asset, page=found,
        match_in_words=match_in_words, alone=alone[0] if len(alone) == 1 and found.number == 1 else None,
        address=url_for("assets.show", app_id=app.id, asset_id=asset.id) + "?",
    )
