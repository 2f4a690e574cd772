"""A rule of approval that earlier rules hide is refused: who wrote it relies on a protection that never applies."""

import pytest

from domain.policy.approval import ApprovalRules
from domain.policy.faults import FaultCode, PolicyFault
from domain.policy.file import faults_of
from schemas.risk.evidence import WatchStatus
from schemas.risk.signals import TransferState
from tests.domain.builders import payment, policy_text

BEGIN = "[plan.stop.approval]\n"
LAW = 'law = "反电信网络诈骗法第二十条", confirm_within = "20m"'
AUTOMATIC = f'account = "confirmed", state = "pending", persons = 0, {LAW}'
ALL_STATES = [f'{{ state = "{state}", persons = 1 }}' for state in ("attempted", "pending", "settled")]


def faults(*rules: str) -> tuple[PolicyFault, ...]:
    """The faults of Jilin's policy with these rules of approval, one in each line after `rules`."""
    text = policy_text()
    start = text.index(BEGIN)
    end = text.index("]\n", text.index("rules = [", start)) + 2
    lines = "".join(f"{rule},\n" for rule in rules)
    return faults_of(f"{text[:start]}{BEGIN}rules = [\n{lines}]\n{text[end:]}")


def line_of_rule(number: int) -> int:
    return policy_text().split("\n").index(BEGIN.strip()) + 3 + number


@pytest.mark.parametrize(
    ("rules", "hidden", "by"),
    [
        (["{ persons = 1 }", '{ account = "reported", persons = 2 }'], 1, [0]),
        (["{ least_fen = 100, persons = 1 }", '{ state = "settled", least_fen = 100, persons = 2 }'], 1, [0]),
        (['{ account = "confirmed", persons = 1 }', f"{{ {AUTOMATIC} }}"], 1, [0]),
        ([f"{{ {AUTOMATIC} }}", f"{{ {AUTOMATIC}, least_fen = 500 }}"], 1, [0]),
        ([*ALL_STATES, "{ persons = 2 }"], 3, [0, 1, 2]),
    ],
)
def test_a_hidden_rule_is_named_with_its_line_and_the_lines_that_hide_it(
    rules: list[str], hidden: int, by: list[int]
) -> None:
    (fault,) = faults(*rules)
    assert (fault.code, fault.line) == (FaultCode.RULE_HIDDEN, line_of_rule(hidden))
    assert fault.where == f"plan.stop.approval.rules.{hidden}"
    assert fault.parameters["names"] == [f"rules.{each}" for each in by]
    assert fault.parameters["lines"] == [str(line_of_rule(each)) for each in by]


@pytest.mark.parametrize(
    "rules",
    [
        ['{ account = "reported", persons = 2 }', "{ persons = 1 }"],
        ["{ least_fen = 100, persons = 2 }", "{ persons = 1 }"],
        [f"{{ {AUTOMATIC} }}", '{ account = "confirmed", state = "pending", persons = 2 }'],  # of extensions
        [*ALL_STATES[:2], "{ persons = 2 }"],
    ],
)
def test_a_rule_that_can_apply_is_not_refused(rules: list[str]) -> None:
    assert faults(*rules) == ()


def test_a_rule_without_persons_applies_to_no_extension() -> None:
    rules = ApprovalRules.model_validate(
        {
            "rules": [
                {"account": "confirmed", "state": "pending", "persons": 0, "law": "第二十条", "confirm_within": "20m"},
                {"persons": 2},
            ]
        }
    )
    paid = payment(watched=WatchStatus.CONFIRMED, state=TransferState.PENDING)
    assert [rules.of(paid, extension=extension).persons for extension in (False, True)] == [0, 2]
