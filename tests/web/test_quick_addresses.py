"""An address that was built before is the one that Flask builds for these values, below this path, by this method."""

from __future__ import annotations

from flask import Flask, url_for

from web import quick_addresses
from web.quick_addresses import LONGEST, MOST


def site(quick: bool = False) -> Flask:
    made = Flask(__name__)
    if quick:
        quick_addresses.install(made)
    made.add_url_rule("/rows/<int:row>", "row", lambda row: "")
    made.add_url_rule("/lines/<int:row>", "line", lambda row: "")
    made.add_url_rule("/texts/<text>", "text", lambda text: "")
    made.add_url_rule("/read", "several", lambda: "", methods=["GET"])
    made.add_url_rule("/written", "several", methods=["POST"])
    made.add_url_rule("/pages", "paged", lambda page: "", defaults={"page": 1})
    made.add_url_rule("/pages/<int:page>", "paged")
    made.add_url_rule("/words/<rule>/<values>", "words", lambda rule, values: "")
    return made


def addresses(made: Flask) -> list[str]:
    """Each twice: as it is built, and as it is kept."""
    built = []
    for below in ("", "/team"):
        for method in ("GET", "POST"):
            with made.test_request_context("/", method=method, environ_overrides={"SCRIPT_NAME": below}):
                for _ in range(2):
                    built += [
                        url_for("row", row=1), url_for("row", row=2), url_for("row", row=1, page=2, tab="left"),
                        url_for("row", row=1, tab="left", page=2), url_for("row", row=1, tab=None),
                        url_for("row", row=1, flag=1), url_for("row", row=1, flag=True),
                        url_for("row", row=1, flag=1.0),
                        url_for("row", row=1, flag="1"), url_for("row", row=1, _anchor="here"),
                        url_for("row", row=1, _external=True), url_for("row", row=1, _scheme="https", _external=True),
                        url_for("text", text="a b/ü"), url_for("text", text="x", of=[1, 2]), url_for("several"),
                        url_for("several", _method="POST"), url_for("static", filename="a.css"),
                        url_for("row", row=1, q="a"), url_for("row", row=1, tab="a"), url_for("line", row=1),
                        url_for("paged"), url_for("paged", page=1), url_for("paged", page=2),
                        url_for("words", rule="a", values="b"),
                    ]  # fmt: skip
    return built


def test_each_address_is_the_one_that_flask_builds() -> None:
    plain, quick = site(), site(quick=True)
    expected = addresses(plain)
    assert addresses(quick) == expected == addresses(quick)
    assert {"/rows/1", "/team/rows/1", "/read", "/team/written", "/pages", "/pages/2", "/words/a/b"} <= set(expected)


def test_no_address_with_a_host_is_kept() -> None:
    made = site(quick=True)
    for host in ("one.example", "two.example"):
        with made.test_request_context("/", base_url=f"https://{host}"):
            built = [url_for("row", row=1, _external=1), url_for("row", row=1, _scheme="")]
            assert built == [f"https://{host}/rows/1", f"//{host}/rows/1"]


def test_few_addresses_are_kept_and_none_that_is_long() -> None:
    made = site(quick=True)
    [kept] = [cell.cell_contents for cell in made.url_for.__closure__ if isinstance(cell.cell_contents, dict)]
    with made.test_request_context("/"):
        url_for("text", text="x" * LONGEST)
        assert not kept
        for number in range(MOST + 1):
            url_for("row", row=number)
        assert len(kept) == 1


def test_the_pages_use_it(site: Flask) -> None:
    assert site.url_for is site.jinja_env.globals["url_for"] and site.url_for.__module__ == quick_addresses.__name__


def test_the_builder_of_an_address_is_made_with_the_first_one_and_shared_by_all_apps() -> None:
    one, other = site(quick=True), site(quick=True)
    for made in (one, other):
        made.add_url_rule("/only/<int:here>", "only", lambda here: "")
        [rule] = made.url_map.iter_rules("only")
        unbuilt = rule._build_unknown.__func__
        with made.test_request_context("/"):
            assert url_for("only", here=1) == "/only/1" and rule._build_unknown.__func__ != unbuilt
            assert url_for("only", here=2, tab="left") == "/only/2?tab=left"
    builders = [next(made.url_map.iter_rules("only"))._build_unknown.__func__ for made in (one, other)]
    assert builders[0] is builders[1] and builders[0].__name__.startswith("<builder")


def test_the_pages_add_their_views_so(site: Flask) -> None:
    assert {type(rule) for rule in site.url_map.iter_rules() if rule.endpoint != "static"} == {quick_addresses.LateRule}
