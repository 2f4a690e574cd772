"""Objects of another centre: read as a verdict, or refused with a code and a text that repeats nothing of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.stix.objects import MARKINGS, identity_id, indicator_of, stix_time
from domain.stix.reading import DEEPEST, LONGEST_VALID, StixError, StixRefusal, too_deep, verdict_of
from schemas.risk.sharing import SharedSuspect, Tlp
from schemas.risk.signals import NumberVerdict, Watch, WatchState

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
OTHER, OWN = "another centre, invented", identity_id("this centre, invented")
ACCOUNT = "6200000000000001"


def told(**fields: object) -> dict[str, Any]:
    made = NOW - timedelta(days=1)
    suspect = SharedSuspect(id="account:a1", suspect=ACCOUNT, since=made, at=made, tlp=Tlp.AMBER)
    found = indicator_of(suspect, OTHER) | fields
    return {name: value for name, value in found.items() if value is not None}


def read(found: object) -> Watch:
    return Watch.model_validate(verdict_of(found, "liaoning", OWN, NOW))


def refused(found: object) -> StixRefusal:
    with pytest.raises(StixError) as error:
        verdict_of(found, "liaoning", OWN, NOW)
    assert ACCOUNT not in str(error.value)
    assert "secret-word" not in str(error.value)
    return error.value.refusal


def test_an_indicator_is_a_verdict_of_its_centre_with_confidence_and_end() -> None:
    found = read(told())
    assert (found.source, found.subject, found.value) == ("liaoning", "account", ACCOUNT)
    assert (found.state, found.verdict, found.confidence) == (WatchState.RATED, NumberVerdict.SCAM, 85)
    assert found.at == NOW - timedelta(days=1)
    assert found.until == NOW + timedelta(days=179)


def test_each_version_of_an_object_has_its_own_id_so_that_the_same_one_counts_once() -> None:
    first, again = read(told()), read(told(labels=["other"]))
    later = read(told(modified=stix_time(NOW)))
    assert first.id == again.id
    assert first.id != later.id


def test_a_revoked_object_ends_at_once_however_little_of_it_is_still_valid() -> None:
    found = read(told(revoked=True, modified=stix_time(NOW), valid_until=stix_time(NOW - timedelta(days=9))))
    assert found.until == NOW + timedelta(milliseconds=1)


def test_an_object_without_an_end_or_with_a_far_one_ends_after_a_year() -> None:
    for until in (None, "2099-01-01T00:00:00Z"):
        assert read(told(valid_until=until)).until == NOW - timedelta(days=1) + LONGEST_VALID


def test_an_object_without_a_confidence_leaves_it_to_the_policy() -> None:
    assert read(told(confidence=None)).confidence is None


def test_a_clock_that_is_a_little_fast_is_forgiven() -> None:
    assert read(told(modified=stix_time(NOW + timedelta(minutes=4)))).at == NOW


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"type": "bundle", "objects": []}, StixRefusal.OTHER_TYPE),
        ({"type": "malware"}, StixRefusal.OTHER_TYPE),
        ({"type": ["indicator"]}, StixRefusal.OTHER_TYPE),
        ({"spec_version": "2.0"}, StixRefusal.OTHER_TYPE),
        ({"spec_version": None}, StixRefusal.OTHER_TYPE),
        ({"id": "indicator--secret-word"}, StixRefusal.MALFORMED),
        ({"id": {"secret-word": 1}}, StixRefusal.MALFORMED),
        ({"created_by_ref": OWN}, StixRefusal.OWN_OBJECT),
        ({"modified": "secret-word"}, StixRefusal.MALFORMED),
        ({"modified": "2026-02-30T00:00:00Z"}, StixRefusal.MALFORMED),
        ({"modified": "1999-01-01T00:00:00Z"}, StixRefusal.MALFORMED),
        ({"modified": 1_772_000_000}, StixRefusal.MALFORMED),
        ({"modified": "2026-02-01T00:00:00Z"}, StixRefusal.MALFORMED),
        ({"modified": stix_time(NOW + timedelta(minutes=6))}, StixRefusal.FUTURE),
        ({"valid_from": stix_time(NOW + timedelta(days=1))}, StixRefusal.FUTURE),
        ({"valid_from": None}, StixRefusal.MALFORMED),
        ({"valid_until": stix_time(NOW)}, StixRefusal.EXPIRED),
        ({"valid_until": stix_time(NOW - timedelta(days=1))}, StixRefusal.MALFORMED),
        ({"valid_until": ["secret-word"]}, StixRefusal.MALFORMED),
        ({"revoked": "true"}, StixRefusal.MALFORMED),
        ({"confidence": 0}, StixRefusal.NO_CONFIDENCE),
        ({"confidence": 101}, StixRefusal.MALFORMED),
        ({"confidence": -1}, StixRefusal.MALFORMED),
        ({"confidence": True}, StixRefusal.MALFORMED),
        ({"confidence": 10**400}, StixRefusal.MALFORMED),
        ({"confidence": 50.5}, StixRefusal.MALFORMED),
        ({"pattern_type": "sigma"}, StixRefusal.OTHER_PATTERN),
        ({"pattern": 7}, StixRefusal.MALFORMED),
        ({"object_marking_refs": "secret-word"}, StixRefusal.MALFORMED),
        ({"granular_markings": ["secret-word"]}, StixRefusal.MALFORMED),
        ({"pattern": "[url:value = 'secret-word' OR url:value = 'b']"}, StixRefusal.OTHER_PATTERN),
        ({"pattern": "[bank-account:account_number = '" + "9" * 100_000 + "']"}, StixRefusal.OTHER_PATTERN),
    ],
)
def test_an_object_is_refused_with_a_code(fields: dict[str, object], refusal: StixRefusal) -> None:
    assert refused(told(**fields)) is refusal


OTHER_MARK = "marking-definition--00000000-0000-4000-8000-000000000001"
TLP_1_WHITE = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
TLP_1_RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"


@pytest.mark.parametrize(
    ("fields", "tlp"),
    [
        ({}, Tlp.AMBER),
        ({"object_marking_refs": None}, Tlp.AMBER),
        ({"object_marking_refs": []}, Tlp.AMBER),
        ({"object_marking_refs": [OTHER_MARK]}, Tlp.AMBER),
        ({"object_marking_refs": [MARKINGS[Tlp.CLEAR], 7]}, Tlp.AMBER),
        ({"object_marking_refs": [MARKINGS[Tlp.CLEAR]]}, Tlp.CLEAR),
        ({"object_marking_refs": [TLP_1_WHITE]}, Tlp.CLEAR),
        ({"object_marking_refs": [MARKINGS[Tlp.AMBER_STRICT], MARKINGS[Tlp.CLEAR]]}, Tlp.AMBER_STRICT),
        (
            {
                "object_marking_refs": [MARKINGS[Tlp.CLEAR]],
                "granular_markings": [{"marking_ref": MARKINGS[Tlp.GREEN], "selectors": ["pattern"]}, {"lang": "en"}],
            },
            Tlp.GREEN,
        ),
    ],
)
def test_a_verdict_has_the_strictest_mark_of_its_object(fields: dict[str, object], tlp: Tlp) -> None:
    assert read(told(**fields)).tlp is tlp


@pytest.mark.parametrize("mark", [MARKINGS[Tlp.RED], TLP_1_RED])
def test_what_is_for_named_persons_only_is_refused_unless_it_is_withdrawn(mark: str) -> None:
    parts = [{"marking_ref": mark, "selectors": ["pattern"]}]
    assert refused(told(object_marking_refs=[mark])) is StixRefusal.MARKED_RED
    assert refused(told(granular_markings=parts)) is StixRefusal.MARKED_RED
    assert read(told(object_marking_refs=[mark], revoked=True)).state is WatchState.RATED


@pytest.mark.parametrize("found", [None, 7, "secret-word", [], ["indicator"], {}, {7: 8}])
def test_what_is_no_object_is_refused(found: object) -> None:
    assert refused(found) in (StixRefusal.MALFORMED, StixRefusal.OTHER_TYPE)


def test_a_year_old_object_without_an_end_has_ended() -> None:
    old = stix_time(NOW - timedelta(days=367))
    assert refused(told(created=old, modified=old, valid_from=old, valid_until=None)) is StixRefusal.EXPIRED


def test_depth_is_counted_without_following_it() -> None:
    value: object = 1
    for _ in range(DEEPEST):
        value = [value]
    assert not too_deep(value)
    assert too_deep([value])
    for _ in range(100_000):
        value = [value]
    assert too_deep(value)
