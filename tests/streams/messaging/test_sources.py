"""A feed on Kafka names itself, so not every name may make a series of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.settings import hash_of_key, sources
from streams.messaging.sources import ALWAYS, FIRST, OTHER, Labels
from streams.runtime.settings import Settings


@given(st.sets(st.text(min_size=1, max_size=8), max_size=200), st.lists(st.text(min_size=1, max_size=8)))
def test_there_are_never_more_labels_than_known_sources_and_other(configured: set[str], came: list[str]) -> None:
    labels = Labels(configured)
    assert {labels.of(source) for source in came} <= configured | ALWAYS | {OTHER} or not configured
    assert len({labels.of(source) for source in came}) <= max(len(configured), FIRST) + len(ALWAYS) + 1


def test_a_source_that_is_not_configured_is_other() -> None:
    labels = Labels({"bank"})
    assert [labels.of(name) for name in ("bank", "invented", "unknown")] == ["bank", OTHER, "unknown"]


def test_where_none_is_configured_the_first_have_labels_and_keep_them() -> None:
    labels = Labels()
    names = [f"feed-{number}" for number in range(FIRST + 10)]
    assert [labels.of(name) for name in names] == names[:FIRST] + [OTHER] * 10
    assert labels.of(names[0]) == names[0]


def test_sources_with_a_key_and_sources_that_are_named_are_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANZU_API_KEYS", f"bank:{hash_of_key('k')}")
    assert sources(Settings(sources="carrier, police")) == {"bank", "carrier", "police"}


def test_keys_that_cannot_be_read_stop_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANZU_API_KEYS", "@/nowhere/keys")
    assert sources(Settings(sources="carrier")) == {"carrier"}
