"""The policy's shield section: its bounds, what it needs beside it, and that it alone opens no case."""

from datetime import timedelta

import pytest

from domain.policy import PolicyError, load
from domain.policy.faults import FaultCode
from domain.policy.risk import ShieldRules
from tests.domain.builders import policy, policy_text

LASTS, FACTOR, CALLS = 'lasts = "90d"', "threshold_factor = 0.25", 'support_calls = ["3d", "14d", "30d"]'


def faults(old: str, new: str) -> list[tuple[FaultCode, str]]:
    """The faults of Jilin's policy with one text changed."""
    text = policy_text()
    assert text.count(old) == 1
    try:
        load(text.replace(old, new))
    except PolicyError as error:
        return [(fault.code, fault.where) for fault in error.faults]
    return []


def rules() -> ShieldRules:
    found = policy().shield
    assert found is not None
    return found


def test_the_province_shields_for_90_days_at_a_quarter_of_the_odds() -> None:
    assert (rules().lasts, rules().bits) == (timedelta(days=90), 2.0)
    assert policy().risk.shield == rules()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (LASTS, 'lasts = "23h"', (FaultCode.NOT_BETWEEN, "shield.lasts")),
        (LASTS, 'lasts = "367d"', (FaultCode.NOT_BETWEEN, "shield.lasts")),
        (LASTS, 'lasts = "20d"', (FaultCode.NOT_BETWEEN, "shield.support_calls")),
        (FACTOR, "threshold_factor = 1.01", (FaultCode.TOO_LARGE, "shield.threshold_factor")),
        (FACTOR, "threshold_factor = 0", (FaultCode.NOT_MORE, "shield.threshold_factor")),
        (FACTOR, "threshold_factor = 0.0625", (FaultCode.NOT_MORE, "shield.threshold_factor")),
        (CALLS, 'support_calls = ["59m"]', (FaultCode.NOT_BETWEEN, "shield.support_calls")),
        ('kinds = ["call_overseas"', 'kinds = ["telegram"', (FaultCode.NOT_CHOICE, "shield.kinds")),
        ("support = { action", "misspelt = { action", (FaultCode.NOT_CHOICE, "plan.asked")),
        ("[messages.support_call.ko]", "[messages.support_call.en2]", (FaultCode.MISSING, "messages.support_call")),
    ],
)
def test_what_it_refuses(old: str, new: str, fault: tuple[FaultCode, str]) -> None:
    found = faults(old, new)
    assert fault[0] in {code for code, _ in found}, found
    assert any(where.startswith(fault[1]) for _, where in found), found


def test_calls_need_their_texts_times_and_results() -> None:
    text = policy_text()
    whole = text[: text.index("# After a loss. Anybody may answer")]
    with pytest.raises(PolicyError) as refused:
        load(whole)
    (fault,) = refused.value.faults
    assert (fault.code, fault.parameters) == (FaultCode.KEYS_MISSING, {"key": "messages", "names": ["support_call"]})


def test_a_shield_without_calls_needs_none_of_them() -> None:
    text = policy_text()
    whole = text[: text.index("# After a loss. Anybody may answer")].replace(CALLS, "")
    found = load(whole).shield
    assert found is not None
    assert found.support_calls == ()


def test_the_shield_is_given_in_its_own_section_only() -> None:
    given = '\n[risk.shield]\nlasts = "90d"\nthreshold_factor = 0.5\n\n[risk.call]\n'
    assert [code for code, _ in faults("\n[risk.call]\n", given)] == [FaultCode.UNKNOWN_KEY]


def test_calls_are_in_rising_order_whatever_the_text_says() -> None:
    text = policy_text().replace(CALLS, 'support_calls = ["30d", "3d", "3d"]')
    found = load(text).shield
    assert found is not None
    assert found.support_calls == (timedelta(days=3), timedelta(days=30))
