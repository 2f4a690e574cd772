"""What this centre shares is valid STIX 2.1, as the library of OASIS reads it, and says who, until when and to whom."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stix2
from hypothesis import given
from hypothesis import strategies as st
from stix2patterns.validator import run_validator

from domain.identity.identifiers import normal_account, normal_phone
from domain.identity.links import normal_link
from domain.stix.objects import (
    HIGH_CONFIDENCE,
    MARKINGS,
    SHARED_FOR,
    identity_id,
    identity_of,
    indicator_id,
    indicator_of,
    marking_of,
    valid,
)
from domain.stix.patterns import PatternError, pattern_of, suspect_in
from schemas.risk.sharing import SharedSuspect, Tlp

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
CENTRE = "Anti-fraud centre, invented"


def suspect(**fields: Any) -> SharedSuspect:  # noqa: ANN401 - fields of a model
    usual = {"id": "account:a1", "suspect": "6200000000000001", "since": NOW, "at": NOW, "tlp": Tlp.AMBER}
    return SharedSuspect.model_validate(usual | fields)


@pytest.mark.parametrize(
    ("subject", "value", "pattern"),
    [
        ("account:a1", "6200000000000001", "[bank-account:account_number = '6200000000000001']"),
        ("phone:p1", "+8614200000001", "[phone-number:value = '+8614200000001']"),
        ("link:l1", "loan.example", "[domain-name:value = 'loan.example']"),
        ("link:l2", "loan.example/it's?q=1", "[url:value = 'https://loan.example/it\\'s?q=1']"),
        ("link:l3", "loan.example:8080", "[url:value = 'https://loan.example:8080']"),
    ],
)
def test_each_kind_of_suspect_is_an_indicator_that_the_library_of_oasis_reads(
    subject: str, value: str, pattern: str
) -> None:
    told = indicator_of(suspect(id=subject, suspect=value, scam_type="loan"), CENTRE)
    found = stix2.parse(told)
    assert isinstance(found, stix2.v21.Indicator)
    assert (found.pattern, found.confidence, found.labels) == (pattern, HIGH_CONFIDENCE, ["loan"])
    assert found.created_by_ref == identity_id(CENTRE)
    assert found.object_marking_refs == [MARKINGS[Tlp.AMBER]]
    assert (found.valid_from, found.valid_until) == (NOW, NOW + SHARED_FOR)
    assert not found.revoked
    assert run_validator(told["pattern"], stix_version="2.1") == []


def test_the_centre_and_the_marks_are_objects_of_the_library_of_oasis() -> None:
    assert stix2.parse(identity_of(CENTRE)).name == CENTRE
    for tlp in Tlp:
        found = stix2.parse(marking_of(tlp))
        assert (found.id, found.name) == (MARKINGS[tlp], f"TLP:{tlp.upper()}")


def test_a_withdrawn_suspect_is_a_later_version_of_its_indicator_that_is_revoked() -> None:
    first, last = suspect(), suspect(at=NOW + timedelta(hours=1), revoked=True)
    before, after = indicator_of(first, CENTRE), indicator_of(last, CENTRE)
    assert before["id"] == after["id"]
    assert stix2.parse(after).revoked
    assert after["modified"] > before["modified"]


def test_a_suspect_that_is_shared_anew_gets_another_id() -> None:
    again = suspect(since=NOW + timedelta(days=1), at=NOW + timedelta(days=1))
    assert indicator_id(again) != indicator_id(suspect())
    assert indicator_id(suspect()) == indicator_id(suspect())


def test_the_id_does_not_say_the_number() -> None:
    assert indicator_id(suspect(suspect="6200000000000002")) == indicator_id(suspect())


def test_a_suspect_is_told_until_its_indicator_ends() -> None:
    assert valid(suspect(), NOW + SHARED_FOR - timedelta(seconds=1))
    assert not valid(suspect(), NOW + SHARED_FOR)


def _normal(kind: str, raw: str) -> str | None:
    try:
        if kind == "account":
            return normal_account(raw)
        return normal_phone(raw) if kind == "phone" else normal_link(raw)
    except ValueError:
        return None


@given(st.sampled_from(["account", "phone", "link"]), st.text(max_size=60) | st.from_regex(r"[a-z]+\.cn/[!-~]*"))
def test_what_is_written_is_read_again(kind: Any, raw: str) -> None:  # noqa: ANN401 - a literal
    value = _normal(kind, raw)
    if value is None:
        return
    found = suspect_in(pattern_of(kind, value))
    assert (found.kind, _normal(kind, found.value)) == (kind, value)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "[url:value = 'https://a.example'",
        "[url:value = 'a' OR url:value = 'b']",
        "[url:value = 'a'] AND [url:value = 'b']",
        "[url:value LIKE 'a%']",
        "[url:value MATCHES '.*']",
        "[url:value != 'a']",
        "[url:value IN ('a', 'b')]",
        "[file:hashes.'SHA-256' = 'aa']",
        "[ipv4-addr:value = '192.0.2.1']",
        "[url:value = 'a\\x']",
        "[url:value = 7]",
        "[url:value = 'a'] WITHIN 5 SECONDS",
        "[[url:value = 'a']]",
        "[" * 5_000,
        f"[url:value = '{'a' * 5_000}']",
    ],
)
def test_every_other_pattern_is_refused_without_its_text(pattern: str) -> None:
    with pytest.raises(PatternError) as error:
        suspect_in(pattern)
    assert not pattern or pattern not in str(error.value)
