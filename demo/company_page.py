"""“Acme people”: the page where someone in the sample company clicks “Left the company”.
It rewrites staff.csv, as an HR program would; Rollcall reads that file at the next check."""

from __future__ import annotations

from flask import Blueprint, Flask, redirect, render_template, request

from demo.company import TEAMS, Company
from demo.frame import check_form, new_app, problem, text

REASONS = {
    "not_found": "Nobody at Acme has this e-mail address.",
    "already_there": "Someone at Acme already has this e-mail address.",
    "invalid_email": "This isn't an e-mail address.",
}


def create_app(company: Company) -> Flask:
    """The page over this company's file."""
    app = new_app("Acme people")
    page = Blueprint("page", __name__)
    page.before_request(lambda: check_form(company.form_key))

    @page.get("/")
    def home():
        return render_template(
            "company.html",
            company=company,
            staff=sorted(company.staff(), key=lambda one: (one.status == "left", one.name)),
            teams={team: team for team in TEAMS},
            problem=problem(REASONS),
        )

    @page.post("/people")
    def join():
        company.join(text(request.form, "name"), text(request.form, "email"), text(request.form, "team"))
        return redirect("/", 303)

    @page.post("/departures")
    def leave():
        company.set_status(text(request.form, "email"), "left")
        return redirect("/", 303)

    @page.post("/returns")
    def come_back():
        company.set_status(text(request.form, "email"), "active")
        return redirect("/", 303)

    app.register_blueprint(page)
    return app
