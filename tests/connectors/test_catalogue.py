"""The catalogue gives one kind of app as it gives all of them."""

from __future__ import annotations

import pytest

import connectors


def test_one_kind_of_app_is_the_one_of_the_whole_catalogue():
    every = connectors.app_connectors()
    assert {slug: connectors.app_connector(slug) for slug in every} == every


@pytest.mark.parametrize("slug", ["", "nonsense", "okta", "__init__", "../apps/slack", "ldap", "apps", "connector"])
def test_a_file_without_an_app_of_that_name_is_none(slug):
    with pytest.raises(KeyError):
        connectors.app_connector(slug)
