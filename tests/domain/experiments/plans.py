"""A registered plan for tests: an invented board and question, two wordings of yellow's SMS."""

from datetime import UTC, datetime
from typing import Any

from domain.policy.experiments.plan import ExperimentPlan

STARTS = datetime(2026, 3, 1, tzinfo=UTC)
ENDS = datetime(2026, 7, 1, tzinfo=UTC)
SHORT = "【吉林反诈96110】尾号{tail}的机主：请立即停止转账。核验码{code}，核实请拨打96110。"
SHORT_KO = (
    "【길림반사기96110】끝자리 {tail}: 즉시 송금을 멈추십시오. 확인번호 {code}, 확인은 96110으로 전화해 주십시오."
)
WORDING: dict[str, Any] = {"zh": {"default": SHORT}, "ko": {"default": SHORT_KO}}


def approval(number: str = "2026-7") -> dict[str, Any]:
    return {"by": "省伦理委员会", "on": "2026-02-01", "number": number}


def fields(**changes: object) -> dict[str, Any]:
    """The plan's fields as a policy file has them, with `changes`."""
    return {
        "question": "短的短信是否更有效？",
        "registered_by": "wang",
        "registered_on": "2026-02-10",
        "ethics": approval(),
        "consent": "waived",
        "waiver": approval("2026-8"),
        "seed": "wording-2026-03",
        "unit": "resident",
        "levels": ["yellow", "blue"],
        "starts": STARTS.isoformat(),
        "ends": ENDS.isoformat(),
        "control": "usual",
        "arms": {"usual": {"weight": 0.5}, "short": {"weight": 0.5, "sms": WORDING}},
        "outcome": "money",
        "cap_fen": 5_000_000,
        "reports_within": "0h",
        "minimal_effect": 0.05,
        "alpha": 0.05,
        "power": 0.8,
        "assumed": {"spread": 0.31, "units_per_day": 40},
        "harm": {"margin": 0.0, "alpha": 0.05},
        **changes,
    }


def plan(**changes: object) -> ExperimentPlan:
    return ExperimentPlan.model_validate(fields(**changes))
