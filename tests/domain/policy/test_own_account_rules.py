"""The policy's section about residents' own accounts: off, and enabled only with a cited local ground."""

import pytest

from domain.policy import PolicyError, load
from domain.policy.faults import FaultCode
from schemas.casework.own_account import AllowanceSpan
from schemas.people.staff import StaffRole
from tests.domain.builders import policy, policy_text
from tests.domain.casework.own_account.holdworld import GROUND, enabled

OFF = "[own_account]\nenabled = false\n"
WHOLE = {
    "enabled": "true",
    "ground": f'"{GROUND}"',
    "days": "30",
    "allowance_fen": "20_000",
    "allowance_span": '"week"',
}


def faults(**keys: str | None) -> list[FaultCode]:
    """The faults of the section with these keys changed; None: left out."""
    lines = [f"{name} = {value}" for name, value in {**WHOLE, **keys}.items() if value is not None]
    text = policy_text().replace(OFF, "[own_account]\n" + "\n".join(lines) + "\n")
    assert text != policy_text()
    try:
        load(text)
    except PolicyError as error:
        return [fault.code for fault in error.faults]
    return []


def test_the_provinces_policy_has_it_off() -> None:
    assert policy().own_account.enabled is False
    assert policy().own_account.ground == ""


def test_with_a_ground_it_is_on_by_two_persons_of_the_release_desk() -> None:
    rules = enabled().own_account
    assert (rules.enabled, rules.ground, rules.days) == (True, GROUND, 30)
    assert (rules.persons, rules.roles) == (2, (StaffRole.RELEASE_DESK,))
    assert rules.allowance_span is AllowanceSpan.DAY
    assert faults() == []


@pytest.mark.parametrize("ground", [None, '""', '"   "', '"abc"'])
def test_without_a_ground_it_cannot_be_enabled(ground: str | None) -> None:
    assert faults(ground=ground) == [FaultCode.OWN_ACCOUNT_WITHOUT_GROUND]


@pytest.mark.parametrize("missing", ["days", "allowance_fen", "allowance_span"])
def test_it_takes_its_days_and_a_living_allowance(missing: str) -> None:
    assert faults(**{missing: None}) == [FaultCode.KEYS_MISSING]


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"days": "31"}, FaultCode.TOO_LARGE),
        ({"days": "0"}, FaultCode.TOO_SMALL),
        ({"allowance_fen": "0"}, FaultCode.TOO_SMALL),
        ({"persons": "1"}, FaultCode.TOO_SMALL),
        ({"times": "7"}, FaultCode.TOO_LARGE),
        ({"roles": '["operator"]'}, FaultCode.NOT_CHOICE),
        ({"roles": "[]"}, FaultCode.KEYS_MISSING),
        ({"decide_within": '"25h"'}, FaultCode.NOT_BETWEEN),
        ({"allowance_span": '"month"'}, FaultCode.NOT_CHOICE),
    ],
)
def test_its_bounds_are_the_laws(keys: dict[str, str], code: FaultCode) -> None:
    assert faults(**keys) == [code]


def test_no_level_may_plan_a_hold_by_itself() -> None:
    step = '[plan.levels.red.steps]\nown = { action = "hold_outgoing", result_within = "10m" }'
    with pytest.raises(PolicyError) as raised:
        load(policy_text().replace("[plan.levels.red.steps]", step))
    assert [fault.code for fault in raised.value.faults] == [FaultCode.STEP_OF_PERSONS]
