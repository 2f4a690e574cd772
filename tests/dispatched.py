"""A dispatch, and the case it follows from."""

from datetime import UTC, datetime
from typing import Any

from schemas.casework.cases import Case, CaseState, Danger, Payment, Profile, Step, StepState
from schemas.casework.events import Dispatch
from schemas.codes.danger import CombinedEvidence
from schemas.levels import Action, Level
from schemas.people.residents import BalanceBand, Language, Occupation, Sex
from schemas.risk.signals import TransferState

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
PAYEE = "apayee"


def dispatch_for(resident: str, action: Action = Action.SMS, attempt: int = 1, **fields: object) -> Dispatch:
    """The dispatch of a case's only step."""
    case = f"{resident}-1"
    known: dict[str, Any] = {
        "id": f"{case}:red.{action.value}:{attempt}:{action.channel.value}",
        "case": case,
        "resident": resident,
        "step": f"red.{action.value}",
        "attempt": attempt,
        "action": action,
        "level": Level.RED,
        "at": NOW,
        "due": NOW,
        "language": Language.CHINESE,
        "scam_type": "brushing",
        "contact": 0 if action.to_contact else None,
        "division": "220102001",
        "because": {"code": "busy_during_call"},
    }
    return Dispatch.model_validate(known | fields)


def case_of(dispatch: Dispatch, **fields: object) -> Case:
    """The case as it stands once the dispatch was decided."""
    step = Step(id=dispatch.step, action=dispatch.action, state=StepState.SENT, due=NOW, attempt=dispatch.attempt)
    profile = Profile(
        birth_year=1960,
        sex=Sex.FEMALE,
        occupation=Occupation.RETIRED,
        division=dispatch.division,
        language=dispatch.language,
        balance=BalanceBand.MIDDLE,
    )
    danger = Danger(
        level=Level.RED,
        probability=0.9,
        exposure_fen=1,
        scam_type=dispatch.scam_type,
        reasons=[CombinedEvidence("a scam call goes on")],
    )
    known: dict[str, Any] = {
        "id": dispatch.case,
        "resident": dispatch.resident,
        "number": 1,
        "version": 2,
        "policy": "0" * 16,
        "state": CaseState.CONTACTING,
        "level": dispatch.level,
        "danger": danger,
        "profile": profile,
        "opened_at": NOW,
        "updated_at": NOW,
        "steps": [step],
    }
    return Case.model_validate(known | fields)


def payment() -> Payment:
    return Payment(transfer="bank:1", payee=PAYEE, amount_fen=500_000, at=NOW, state=TransferState.PENDING)
