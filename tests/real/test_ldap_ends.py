"""Every way in which an LDAP server ends or locks an account, against a real slapd with the real schemas."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import ldap3
import pytest

from connectors.apps.ldap_group import LdapGroup
from connectors.base import DirectoryPerson, Refused
from connectors.directories.ldap import LdapDirectory
from tests.real.slapd import LOCKED_AFTER, SUFFIX, Slapd
from tests.real.test_ldap_directory import problem, read

DISABLED_ROLE = f"cn=nsManagedDisabledRole,{SUFFIX}"


def generalized(moment: datetime) -> str:
    return f"{moment:%Y%m%d%H%M%SZ}"


def days(moment: datetime) -> str:
    return str(int(moment.timestamp()) // 86400)


def end(slapd: Slapd, uid: str, **attributes: str | list[str]) -> None:
    """Any attribute, which the class extensibleObject allows (RFC 4512 4.3)."""
    slapd.modify(uid, objectClass=["inetOrgPerson", "extensibleObject"])
    slapd.modify(uid, **attributes)


def at(slapd: Slapd, moment: datetime, today: date | None = None, **settings: str) -> dict[str, DirectoryPerson]:
    """Everyone, as a reading at that moment finds them, on this day of the workspace."""
    connector = LdapDirectory(slapd.settings(**settings))
    connector._client.now, connector.today = moment, today
    try:
        return {person.user_name: person for person in connector.people()}
    finally:
        connector.close()


def rules(*lines: str) -> dict[str, str]:
    return {"ends": "\n".join(lines)}


NOW = datetime.now(UTC)
AGO, AHEAD = NOW - timedelta(days=2), NOW + timedelta(days=2)


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"shadowExpire": days(AGO)}, "deprovisioned"),
        ({"shadowExpire": days(NOW)}, "deprovisioned"),
        ({"shadowExpire": days(AHEAD)}, "active"),
        ({"shadowExpire": "-1"}, "active"),
        ({"krbPrincipalExpiration": generalized(AGO)}, "deprovisioned"),
        ({"krbPrincipalExpiration": generalized(AHEAD)}, "active"),
        ({"krbPrincipalExpiration": "19700101000000Z"}, "active"),
        ({"nsAccountLock": "TRUE"}, "deprovisioned"),
        ({"nsAccountLock": "false"}, "active"),
        ({"nsRoleDN": DISABLED_ROLE}, "deprovisioned"),
        ({"nsRoleDN": [f"cn=Sales,{SUFFIX}", f"CN=nsmanageddisabledrole, {SUFFIX}"]}, "deprovisioned"),
        ({"nsRole": f"cn=nsDisabledRole,{SUFFIX}"}, "deprovisioned"),
        ({"nsRoleDN": f"cn=Sales,{SUFFIX}"}, "active"),
        ({"accountUnlockTime": generalized(AHEAD)}, "suspended"),
        ({"accountUnlockTime": generalized(AGO)}, "active"),
        ({"pwdAccountLockedTime": "000001010000Z"}, "deprovisioned"),
        ({"pwdAccountLockedTime": generalized(AGO)}, "suspended"),
        ({"pwdEndTime": generalized(AGO)}, "deprovisioned"),
        ({"pwdEndTime": generalized(AHEAD)}, "active"),
        ({"nsAccountLock": "false", "shadowExpire": days(AGO)}, "deprovisioned"),
        ({"pwdAccountLockedTime": generalized(AGO), "pwdEndTime": generalized(AGO)}, "deprovisioned"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else value,
)
def test_the_attributes_of_each_server_are_understood(slapd, attributes, status):
    end(slapd, "p0001", **attributes)
    everyone = read(slapd.settings())
    assert everyone["p0001"].status == status
    assert {person.status for name, person in everyone.items() if name != "p0001"} == {"active"}


def test_a_lock_after_wrong_passwords_is_only_for_a_while(slapd):
    slapd.modify("p0001", userPassword="right")
    for _ in range(LOCKED_AFTER):
        guess = ldap3.Connection(ldap3.Server(slapd.url, get_info=ldap3.NONE), slapd.dn("p0001"), "wrong")
        assert not guess.bind()
    assert read(slapd.settings())["p0001"].status == "suspended"
    slapd.modify("p0001", pwdAccountLockedTime=[])
    assert read(slapd.settings())["p0001"].status == "active"


def test_an_end_that_was_set_ends_the_account_on_its_day_without_another_change(slapd):
    end(slapd, "p0001", shadowExpire=days(AHEAD))
    end(slapd, "p0002", krbPrincipalExpiration=generalized(AHEAD))
    end(slapd, "p0003", pwdEndTime=generalized(AHEAD))
    for moment, status in ((NOW, "active"), (AHEAD + timedelta(hours=1), "deprovisioned")):
        everyone = at(slapd, moment)
        assert {everyone[uid].status for uid in ("p0001", "p0002", "p0003")} == {status}
        assert everyone["p0004"].status == "active"


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"shadowExpire": "0"}, "may mean that the account never ends or that it ended in 1970"),
        ({"shadowExpire": "-7"}, "there is no such number"),
        ({"nsAccountLock": "maybe"}, "neither TRUE nor FALSE"),
    ],
)
def test_a_value_that_can_not_be_read_fails_the_reading_until_a_rule_says_what_it_means(slapd, attributes, words):
    end(slapd, "p0001", **attributes)
    failed = problem(slapd.settings())
    [(name, value)] = attributes.items()
    assert isinstance(failed, Refused) and words in str(failed)
    assert slapd.dn("p0001") in str(failed) and f"{name} is {value}: left" in str(failed)
    assert read(slapd.settings(**rules(f"{name} is {value}: here")))["p0001"].status == "active"
    assert read(slapd.settings(**rules(f"{name} is {value}: left")))["p0001"].status == "deprovisioned"


def company(slapd: Slapd) -> None:
    """Attributes of the company's own; only its administrator knows what they say."""
    for uid, status, end_day in (
        ("p0001", "Active", f"{AHEAD:%Y-%m-%d}"),
        ("p0002", "Terminated", ""),
        ("p0003", "On leave", f"{AHEAD:%d.%m.%Y}"),
        ("p0004", "Active", f"{AGO:%Y-%m-%d}"),
        ("p0005", "Active", generalized(AHEAD)),
    ):
        slapd.modify(uid, objectClass=["inetOrgPerson", "acmePerson"])
        slapd.modify(uid, acmeEmploymentStatus=status, acmeFavouriteColour=f"colour {uid}")
        if end_day:
            slapd.modify(uid, acmeContractEnd=end_day)
    slapd.modify("p0005", acmeRetiredOn=generalized(AGO))


RULES = ("acmeEmploymentStatus is terminated: left", "acmeEmploymentStatus contains leave: locked",
         "acmeEmploymentStatus is not terminated: here", "acmeContractEnd before today: left",
         "acmeRetiredOn is present: left")  # fmt: skip


def test_attributes_of_ones_own_say_what_the_administrator_says_they_say(slapd):
    company(slapd)
    assert {person.status for person in read(slapd.settings()).values()} == {"active"}
    everyone = at(slapd, NOW, **rules(*RULES))
    assert {uid: everyone[uid].status for uid in ("p0001", "p0002", "p0003", "p0004", "p0005", "p0006")} == {
        "p0001": "active", "p0002": "deprovisioned", "p0003": "suspended", "p0004": "deprovisioned",
        "p0005": "deprovisioned", "p0006": "active"}  # fmt: skip
    assert everyone["p0001"].last_day == AHEAD.date() and everyone["p0006"].last_day is None
    later = at(slapd, AHEAD + timedelta(days=1), **rules(*RULES))
    assert (later["p0001"].status, later["p0003"].status) == ("deprovisioned", "deprovisioned")


def test_a_day_is_over_when_it_is_over_in_the_workspace(slapd):
    company(slapd)
    for today, status in ((AHEAD.date(), "active"), (AHEAD.date() + timedelta(days=1), "deprovisioned")):
        person = at(slapd, NOW, today, **rules("acmeContractEnd before today: left"))["p0001"]
        assert (person.status, person.last_day) == (status, AHEAD.date())


def test_an_earlier_rule_decides_about_the_day(slapd):
    company(slapd)
    rule = rules(f"acmeContractEnd is {AGO:%Y-%m-%d}: here", "acmeContractEnd before today: left")
    assert (at(slapd, NOW, **rule)["p0004"].status, at(slapd, NOW, **rule)["p0004"].last_day) == ("active", None)


def test_a_person_who_starts_later_is_locked_until_then(slapd):
    company(slapd)
    rule = rules("acmeContractEnd after today: locked")
    assert (at(slapd, NOW, **rule)["p0001"].status, at(slapd, NOW, **rule)["p0004"].status) == ("suspended", "active")


def test_a_day_that_can_be_read_in_two_ways_fails_the_reading(slapd):
    slapd.modify("p0001", objectClass=["inetOrgPerson", "acmePerson"])
    for value in ("03/04/2027", "someday"):
        slapd.modify("p0001", acmeContractEnd=value)
        failed = problem(slapd.settings(**rules("acmeContractEnd before today: left")))
        assert isinstance(failed, Refused) and value in str(failed) and "two ways" in str(failed)
    slapd.modify("p0001", acmeContractEnd="never")
    assert read(slapd.settings(**rules("acmeContractEnd before today: left")))["p0001"].status == "active"


def test_attributes_that_might_say_it_are_named_until_a_rule_says_what_they_mean(slapd):
    company(slapd)
    connector = LdapDirectory(slapd.settings())
    missing = " ".join(connector.test().missing)
    found = {one.attribute: one for one in connector.unread}
    connector.close()
    assert set(found) == {"acmeEmploymentStatus", "acmeContractEnd", "acmeRetiredOn"}
    assert all(name in missing for name in found) and "acmeFavouriteColour" not in missing
    assert found["acmeEmploymentStatus"].people == 5
    assert set(found["acmeEmploymentStatus"].values) == {"Active", "Terminated", "On leave"}
    connector = LdapDirectory(slapd.settings(**rules(*RULES[:3], "acmeContractEnd is present: here", RULES[4])))
    list(connector.people())
    assert (connector.unread, connector.warnings) == ((), ())
    connector.close()


def test_a_value_that_no_rule_is_about_is_reported(slapd):
    company(slapd)
    connector = LdapDirectory(slapd.settings(**rules(RULES[0], "acmeContractEnd is present: here", RULES[4])))
    list(connector.people())
    [warning] = connector.warnings
    connector.close()
    assert "acmeEmploymentStatus" in warning and "“Active” or “On leave”" in warning and "Terminated" not in warning


def test_a_failed_search_beside_the_list_is_reported_and_does_not_fail_the_reading(large_slapd):
    connector = LdapDirectory(large_slapd.settings())
    everyone = connector.people()
    for _ in range(1000):
        next(everyone)
    large_slapd.kill()
    assert next(everyone, None) is None
    [warning] = connector.warnings
    assert "couldn't look for further attributes" in warning and "broke" in warning and connector.unread is None
    connector.close()


def test_an_attribute_that_says_the_same_of_everyone_is_not_named(slapd):
    connector = LdapDirectory(slapd.settings(base_dn=slapd.dn("p0001")))
    slapd.modify("p0001", objectClass=["inetOrgPerson", "acmePerson"])
    slapd.modify("p0001", acmeEmploymentStatus="Active")
    list(connector.people())
    assert connector.unread == ()
    connector.close()


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("acmeEmploymentStatus", "must be followed by one of: is, is not"),
        ("acmeEmploymentStatus equals terminated: left", "must be followed by one of"),
        ("acmeEmploymentStatus is terminated", "left, locked or here"),
        ("acmeEmploymentStatus is terminated: gone", "left, locked or here"),
        ("acmeEmploymentStatus is: left", "needs a value"),
        ("acmeContractEnd before today 5: left", "takes no value"),
        ("(status) is x: left", "name of an attribute"),
    ],
)
def test_a_rule_that_can_not_be_used_is_refused_before_anything_is_read(slapd, rule, words):
    slapd.stop()
    failed = problem(slapd.settings(ends=rule))
    assert isinstance(failed, Refused) and words in str(failed) and rule in str(failed)


def test_the_app_of_groups_knows_the_same(slapd):
    company(slapd)
    end(slapd, "p0006", shadowExpire=days(AGO))
    slapd.add_group("Sales", "p0001", "p0002", "p0006")
    connector = LdapGroup(slapd.group_settings("Sales", ends=RULES[0]))
    assert {account.user_name: account.status for account in connector.accounts()} == {
        "p0001": "active", "p0002": "suspended", "p0006": "suspended"}  # fmt: skip
    connector.close()
