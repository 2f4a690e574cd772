"""A mapping puts right what it names, exactly, and leaves the rest alone."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.feeds.repair import LONGEST, MappingError, RepairMapping, load, repair

names = st.text(min_size=1, max_size=10)
values = st.none() | st.booleans() | st.integers() | st.text(max_size=20)


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ('rename = {amount = "amount_fen"}', {"amount": 5}, {"amount_fen": 5}),
        ('remove = ["extra"]', {"extra": 1, "id": "t1"}, {"id": "t1"}),
        ('strip = {value = "¥, "}', {"value": "¥1,250.50"}, {"value": "1250.50"}),
        ('[replace.state]\nPAID = "settled"', {"state": "PAID"}, {"state": "settled"}),
        ('[replace.state]\nPAID = "settled"', {"state": "SENT"}, {"state": "SENT"}),
        ("rescale = {amount_fen = 100}", {"amount_fen": 12.5}, {"amount_fen": 1250}),
        ('rescale = {value = "0.01"}', {"value": "1250"}, {"value": "12.5"}),
        ('default = {channel = "atm"}', {"channel": ""}, {"channel": "atm"}),
        ('default = {channel = "atm"}', {"channel": "pos"}, {"channel": "pos"}),
        ('set = {source = "bank"}', {"source": "Bank A"}, {"source": "bank"}),
    ],
)
def test_a_rule_changes_the_field_it_names(text: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    assert repair(before, load(text)) == after


def test_the_rules_work_in_their_order() -> None:
    text = 'rename = {yuan = "amount_fen"}\nstrip = {amount_fen = "¥"}\nrescale = {amount_fen = 100}'
    assert repair({"yuan": "¥3.20"}, load(text)) == {"amount_fen": "320"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rename = ", "not TOML"),
        ("", "changes nothing"),
        ("[exec]\ncode = 'x'", "exec"),
        ('rescale = {a = "1e9"}', "a factor is a number"),
        ("rescale = {a = 0}", "a factor is a number"),
        ("rescale = {a = true}", "a factor is a number"),
        ("set = {a = [1]}", "set.a"),
        ("set = {a = nan}", "set.a"),
        ("#" * (LONGEST + 1), "characters at most"),
        ("a = " + "[" * 20_000, "nested too deep"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused_with_the_place(text: str, told: str) -> None:
    with pytest.raises(MappingError, match=told):
        load(text)


@pytest.mark.parametrize("value", ["12 yuan", "1e5", "--3", "9" * 30, True, [1], float("nan")])
def test_what_is_no_number_is_not_rescaled_and_not_repeated(value: object) -> None:
    with pytest.raises(MappingError) as refused:
        repair({"amount": value}, RepairMapping(rescale={"amount": Decimal(100)}))
    assert "amount: not a number" in str(refused.value)
    assert str(value) not in str(refused.value)


def test_a_field_that_is_there_is_not_written_over_by_a_new_name() -> None:
    with pytest.raises(MappingError, match="would write over b"):
        repair({"a": 1, "b": 2}, load('rename = {a = "b"}'))


@given(st.dictionaries(names, values), names, st.text(max_size=5))
def test_fields_that_are_not_named_stay_as_they_are(fields: dict[str, Any], name: str, value: str) -> None:
    mended = repair(fields, RepairMapping(set={name: value}))
    assert mended == {**fields, name: value}


@given(st.integers(0, 10**13), st.sampled_from([1, 10, 100, 1000]))
def test_rescaling_there_and_back_gives_the_same_number(amount: int, factor: int) -> None:
    there = repair({"a": str(amount)}, RepairMapping(rescale={"a": Decimal(factor)}))
    back = repair(there, RepairMapping(rescale={"a": 1 / Decimal(factor)}))
    assert back == {"a": str(amount)}
