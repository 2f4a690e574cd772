"""Any bytes that are said to be STIX: each object is accepted or refused with a reason, and nothing else happens."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from domain.feeds.source_rights import rights_of_sources
from domain.stix.objects import SHARED_FOR, identity_id, indicator_of, stix_time
from domain.stix.reading import DEEPEST, LONGEST_OBJECT
from schemas.administration.dead_letters import StixFile
from schemas.risk.signals import WatchState
from streams.intake.acceptor import Examined, examine
from streams.intake.files import item_of
from streams.intake.formats import Options, format_of
from streams.intake.formats.stix import MOST_OBJECTS
from streams.intake.row_files import LONGEST_FILE
from tests.streams.intake.stix.taxii_line import CENTRE, NOW, suspect

RIGHTS = rights_of_sources("police:all,liaoning:rated")
OPTIONS = Options(stix=StixFile(source="liaoning", own=identity_id("this centre, invented")), now=NOW)
FEW, MANY, PARTS = 300, 10_000, 10  # in parts, each of which ends within a test's time on a busy machine too


def indicator(**fields: object) -> dict[str, Any]:
    found = indicator_of(suspect(1), CENTRE) | fields
    return {name: value for name, value in found.items() if value is not None}


def bundle(*objects: object) -> bytes:
    return json.dumps({"type": "bundle", "id": "bundle--0", "objects": objects}).encode()


def taken(content: bytes) -> tuple[list[bytes], Examined]:
    """The rows that a file's content is split into, without context, and what intake makes of them."""
    form = format_of("stix", OPTIONS)
    row = form.open(b"", OPTIONS)
    assert form.split is not None
    rows = [each for each in form.split(content) if each.strip() and not form.is_footer(each)]
    items = [item_of(row, (number, each), f"x-{number}", LONGEST_FILE) for number, each in enumerate(rows)]
    found = examine(items, NOW, RIGHTS)
    form.count(len(found.good), 0, [str(fault.what) for fault in found.faults])
    return rows, found


def faults(content: bytes) -> list[str]:
    return [fault.what for fault in taken(content)[1].faults]


def test_a_bundle_an_envelope_and_a_single_object_are_read_and_context_is_passed_over() -> None:
    context = [{"type": kind, "id": "x"} for kind in ("identity", "marking-definition", "extension-definition")]
    for content in (
        bundle(*context, indicator()),
        json.dumps({"more": False, "objects": [indicator()]}).encode(),
        json.dumps(indicator()).encode(),
        b"\xef\xbb\xbf" + json.dumps(indicator()).encode(),
    ):
        _, found = taken(content)
        assert [(signal.kind, signal.source) for signal in found.signals] == [("watchlist", "liaoning")]
        assert not found.faults


def test_an_empty_bundle_has_no_rows() -> None:
    assert taken(bundle())[0] == []
    assert taken(b"{}")[0] == []


def test_one_hostile_object_does_not_affect_the_others() -> None:
    deep: object = "x"
    for _ in range(200):
        deep = [deep]
    _, found = taken(bundle(indicator(), None, indicator(labels=deep), {"type": "bundle", "objects": [indicator()]}))
    assert len(found.good) == 1
    assert [fault.item for fault in found.faults] == [1, 2, 3]
    assert f"nested over {DEEPEST} deep" in found.faults[1].what
    assert "bundle within a bundle" in found.faults[2].what


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", None),
        (b"{", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "not JSON"),
        (b'{"objects":' + b"[" * 900 + b"]" * 900 + b"}", "nested over"),
        (b'{"objects": 7}', "only indicators"),
        (b"null", "not JSON"),
        (b"7", "not a JSON object"),
        (b'[{"type": "indicator"}]', "not a JSON object"),
    ],
)
def test_a_file_that_is_no_bundle_is_one_row_that_is_refused(content: bytes, what: str | None) -> None:
    found = faults(content)
    assert len(found) == (what is not None)
    assert what is None or what in found[0]


def test_an_object_that_is_too_long_and_a_bundle_of_too_many_are_refused() -> None:
    assert "longer than" in faults(bundle(indicator(description="x" * LONGEST_OBJECT)))[0]
    (fault,) = faults(b'{"type":"bundle","objects":[' + b",".join([b"{}"] * (MOST_OBJECTS + 1)) + b"]}")
    assert f"over {MOST_OBJECTS:,} objects" in fault


@pytest.mark.parametrize(
    ("kind", "pattern", "field"),
    [
        ("account", "[bank-account:account_number = '12']", "value"),
        ("phone", "[phone-number:value = '12345678901234567890']", "value"),
        ("phone", "[phone-number:value = '431-88880000']", None),
        ("link", "[url:value = 'ftp://loan.example/']", "value"),
        ("link", "[domain-name:value = 'cn']", "value"),
        ("link", "[url:value = 'https://loan.example/\u202ea']", "value"),
        ("account", "[bank-account:account_number = '']", "value"),
    ],
)
def test_numbers_and_links_are_checked_as_those_of_every_feed(kind: str, pattern: str, field: str | None) -> None:
    _, found = taken(bundle(indicator(pattern=pattern)))
    assert [fault.field for fault in found.faults][:1] == ([field] if field else [])
    assert all(pattern[-12:-2] not in fault.what for fault in found.faults)


def test_a_source_without_the_right_to_rate_is_refused() -> None:
    row = format_of("stix", OPTIONS).open(b"", OPTIONS)
    (fault,) = examine([row(json.dumps(indicator()).encode(), "x")], NOW, rights_of_sources("police:all")).faults
    assert fault.field == "state"


# --- hostile objects --------------------------------------------------------------------------------------------------

_texts = st.sampled_from(
    [
        "",
        "indicator",
        "bundle",
        "2.1",
        "stix",
        "true",
        "'",
        "\\",
        "[url:value = 'a.example/x']",
        "\x00",
        "\u202e",
        "x" * 9,
    ]
) | st.text(max_size=40)
_times = st.sampled_from(
    [
        *(stix_time(NOW + timedelta(days=days)) for days in (-400, -1, 0, 1, 400)),
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2026-03-01T00:00:00+08:00",
    ]
)
_numbers = st.sampled_from([0, 1, 100, 101, -1, 10**400, 0.5, 1e308]) | st.integers(-(2**70), 2**70)
_leaves = st.none() | st.booleans() | _numbers | _texts | _times
_values = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_patterns = st.builds(
    "[{} {} '{}']{}".format,
    st.sampled_from(
        ["url:value", "domain-name:value", "phone-number:value", "bank-account:account_number", "file:name"]
    ),
    st.sampled_from(["=", "!=", "LIKE", "MATCHES", "= = "]),
    st.sampled_from(["6200000000000001", "+8614200000001", "loan.example", "https://loan.example/now"]) | _texts,
    st.sampled_from(["", "", "", " WITHIN 5 SECONDS", " OR [url:value = 'b']", "]"]),
)
_names = st.sampled_from([*indicator(), "revoked", "objects", "x_other"])


def _deep(levels: int, leaf: object) -> object:
    for number in range(levels):
        leaf = [leaf] if number % 2 else {"objects": leaf}
    return leaf


@st.composite
def hostile_objects(draw: st.DrawFn) -> object:
    """An indicator with a few fields changed, removed or nested; or any JSON value."""
    if draw(st.integers(0, 9)) == 0:
        return draw(_values)
    found = indicator(pattern=draw(_patterns)) if draw(st.booleans()) else indicator()
    for _ in range(draw(st.integers(0, 3))):
        name = draw(_names)
        if draw(st.integers(0, 3)) == 0:
            found.pop(name, None)
        else:
            found[name] = draw(_times | _values | st.builds(_deep, st.integers(0, 60), _leaves))
    return found


@st.composite
def hostile_content(draw: st.DrawFn) -> bytes:
    """A bundle of such objects, perhaps within others, cut off or with bytes changed."""
    value: object = {"type": "bundle", "objects": draw(st.lists(hostile_objects(), max_size=5))}
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        value = {"type": draw(st.sampled_from(["bundle", "indicator", ""])), "objects": [value]}
    content = bytearray(json.dumps(value).encode())
    if draw(st.integers(0, 5)) == 0 and content:
        place = draw(st.integers(0, len(content) - 1))
        content[place] = draw(st.integers(0, 255))
        del content[draw(st.integers(place, len(content))) :]
    return bytes(content)


def accepted_or_refused(content: bytes) -> None:
    rows, found = taken(content)
    accepted = {index for index, _ in found.good}
    refused = {fault.item for fault in found.faults}
    assert accepted | refused == set(range(len(rows)))
    assert not accepted & refused
    for signal in found.signals:
        assert signal.kind == "watchlist"
        assert (signal.state, signal.source) == (WatchState.RATED, "liaoning")
        assert signal.until is not None
        assert signal.at <= NOW
        assert signal.at < signal.until <= NOW + timedelta(days=366)
    for fault in found.faults:
        assert fault.what
        assert len(fault.what) < 200
        assert "loan.example" not in fault.what
        assert "6200000000000001" not in fault.what


@given(hostile_content())
@examples(max_examples=FEW, deadline=None, suppress_health_check=list(HealthCheck))
def test_hostile_stix_is_accepted_or_clearly_refused(content: bytes) -> None:
    accepted_or_refused(content)


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
@given(content=hostile_content())
@examples(max_examples=MANY // PARTS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_ten_thousand_hostile_inputs_are_accepted_or_clearly_refused(part: int, content: bytes) -> None:
    accepted_or_refused(content)


@given(st.binary(max_size=300))
def test_any_bytes_are_accepted_or_clearly_refused(content: bytes) -> None:
    accepted_or_refused(content)


@given(st.integers(0, 179))
def test_what_this_centre_shares_is_read_by_another_one_until_it_ends(days: int) -> None:
    told = suspect(1, days_ago=days)
    _, found = taken(bundle(indicator_of(told, CENTRE)))
    (signal,) = found.signals
    assert signal.kind == "watchlist"
    assert (signal.value, signal.until) == (told.suspect, told.at + SHARED_FOR)
