"""What the fuzzing found, each once and small."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from openpyxl import Workbook

from connectors.apps import linear
from connectors.base import Refused, TemporarilyUnavailable
from connectors.directories.ldap import LdapDirectory
from connectors.meta import answers
from connectors.tables import answered, propose
from connectors.tables.files import MAX_COLUMNS
from connectors.tables.layout import NAMED
from connectors.tables.sheets import MAX_CELLS
from connectors.tools.answers import Answer
from connectors.tools.http import Http
from tests.connectors.fake import Reply
from tests.connectors.tables.asking import look, people
from tests.security.hostile import listening
from tests.security.test_hostile_ldap import done, entry, once


@pytest.mark.parametrize("mapping", ["[" * 100_000, "1" * 10_000, '{"version": 1, "values": {"Status": {"left": []}}}'])
def test_a_mapping_of_brackets_or_lists_is_refused(mapping):
    with pytest.raises(Refused):
        propose(b"email,Status\nana@acme.example,left\n", "directory", mapping)


@pytest.mark.parametrize("key", ["value:[]", "value:[[], {}]", "value:" + "[" * 100_000, "role:1", "value:null"])
def test_an_answer_to_no_question_is_refused(key):
    with pytest.raises(Refused):
        answered("directory", "", {key: "left"})


def test_a_header_of_many_columns_is_refused_before_they_are_compared():
    with pytest.raises(Refused, match=f"20,001 columns.*{MAX_COLUMNS:,}"):
        look(b"email," * 20_000 + b"\n")


def test_many_rows_that_sum_up_are_reported_in_a_few_sentences():
    notes = look("email,name\nana@acme.example,Ana\n" + "Total\n" * 50_000).passed_over
    assert len(notes) == NAMED + 1 and "49,980 further rows" in notes[-1]


def test_one_far_cell_does_not_widen_every_row():
    book = Workbook()
    for _ in range(MAX_CELLS // 16_000):
        book.active.append(["a"])
    book.active.cell(1, 16_384, "x")
    kept = io.BytesIO()
    book.save(kept)
    with pytest.raises(Refused, match="cells"):
        look(kept.getvalue())


def test_parts_of_one_name_are_refused():
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as packed, pytest.warns(UserWarning, match="Duplicate"):
        for _ in range(3):
            packed.writestr("xl/workbook.xml", b" " * 400_000)
    with pytest.raises(Refused, match="two parts of the same name"):
        look(kept.getvalue())


def test_an_archive_that_points_before_its_beginning_is_refused():
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w") as packed:
        packed.writestr("xl/workbook.xml", b"<workbook/>")
    content = bytearray(book.getvalue())
    end = content.rindex(b"PK\x05\x06")
    content[end + 16 : end + 20] = (2**32 - 2).to_bytes(4, "little")  # where its list of parts begins
    with pytest.raises(Refused):
        look(bytes(content))


def test_an_error_of_linear_whose_details_are_a_text_is_reported_as_an_error():
    body = json.dumps({"errors": [{"extensions": "no", "message": "not now"}]}).encode()
    problem = linear._problem(Answer(200, {}, body, "https://a.example/", "POST /graphql"))
    assert isinstance(problem, TemporarilyUnavailable) and "not now" in str(problem)


def test_metas_limits_may_be_brackets():
    usage = {"X-Business-Use-Case-Usage": "[" * 60_000}
    assert answers._seconds_until_access(Answer(400, usage, b"", "https://a.example/", "GET /")) == 60


def test_an_attribute_without_values_is_no_attribute():
    answers = once(
        lambda id: (
            entry(id, "uid=ana,dc=acme,dc=example", entryUUID=[], objectGUID=[], nsUniqueId=[b"1"], mail=[]) + done(id)
        )
    )
    with listening(answers) as port:
        directory = LdapDirectory({"url": f"ldap://127.0.0.1:{port}", "base_dn": "dc=acme,dc=example"})
        [ana] = directory.people()
        directory.close()
    assert (ana.id, ana.email) == ("1", "")


def test_a_redirect_to_no_address_is_refused(anything):
    anything.answer = lambda request: Reply(302, "", {"Location": "http://[::1"})
    client = Http(anything.url)
    with pytest.raises(Refused, match="no valid address"):
        client.get("/thing")
    client.close()


def test_a_link_to_a_long_host_is_refused_in_few_words(anything):
    client = Http(anything.url)
    with pytest.raises(Refused, match="another host") as refused:
        client.get(f"https://{'x' * 5000}/thing")
    client.close()
    assert len(str(refused.value)) < 1500


@pytest.mark.parametrize("content", [
    f"email,name\n{'x' * 100_000},Ana\n",
    f"email,id,status\n,{'x' * 100_000},active\n,{'x' * 100_000},left\n",
])  # fmt: skip
def test_a_cell_of_a_megabyte_is_named_in_few_words(content):
    with pytest.raises(Refused) as refused:
        people(content)
    assert len(str(refused.value)) < 3000


def test_a_wrong_answer_is_named_in_few_words():
    with pytest.raises(Refused) as refused:
        answered("directory", "", {"needed:x": "y" * 100_000})
    assert len(str(refused.value)) < 1000


def test_an_entry_with_a_long_name_is_named_in_few_words():
    dn = f"uid={'x' * 5000},dc=acme,dc=example"
    for values in ({"entryUUID": [b"1"], "userAccountControl": [b"?"]}, {"mail": [b"ana@acme.example"]}):
        with listening(once(lambda id, values=values: entry(id, dn, **values) + done(id))) as port:
            directory = LdapDirectory({"url": f"ldap://127.0.0.1:{port}", "base_dn": "dc=acme,dc=example"})
            with pytest.raises(Refused) as refused:
                list(directory.people())
            directory.close()
        assert len(str(refused.value)) < 1500


@pytest.mark.parametrize("link", ["file://ana@[127.0.0.1]/thing", "gopher://\x1b[31m", "http://[::1"])
def test_a_link_with_odd_brackets_is_refused(anything, link):
    client = Http(anything.url)
    with pytest.raises(Refused):
        client.get(link)
    client.close()
