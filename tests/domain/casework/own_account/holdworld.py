"""Builders of holds on the resident's own account: Jilin's policy with an invented local ground, and a red case."""

from datetime import timedelta
from functools import cache

from domain.casework import Decision, Rules
from domain.policy import Policy, load
from schemas.casework.acts import NoteAct
from schemas.casework.inputs import OwnHoldAnswer
from schemas.casework.own_account import (
    ApproveHoldAct,
    DeclineHoldAct,
    LiftHoldAct,
    OwnHold,
    OwnHoldAnswerState,
    ProposeHoldAct,
)
from schemas.levels import Action, Level
from schemas.people.staff import StaffRole
from tests.domain.builders import RESIDENT, Line, payment, policy_text

GROUND = "测试省反电信网络诈骗条例（虚构）第一条"
ON = f"""
[own_account]
enabled = true
ground = "{GROUND}"
days = 30
allowance_fen = 20_000
allowance_span = "day"
"""
DESK = StaffRole.RELEASE_DESK


@cache
def enabled(more: str = "") -> Policy:
    """Jilin's policy with holds enabled. `more`: further keys of the section."""
    text = policy_text()
    before, _, after = text.partition("\n[own_account]")
    rest = after.partition("\n[")[2]
    return load(before + ON + more + (f"\n[{rest}" if rest else ""))


def in_danger(level: Level = Level.RED, policy: Policy | None = None, own: tuple[str, ...] = ("mine", "other")) -> Line:
    """A case of somebody with two accounts; the desk decides nothing by itself."""
    line = Line(approves=False)
    line.rules = Rules(policy or enabled())
    line.alert(level, payment(), own=own)
    return line


def talked(line: Line) -> Line:
    """Somebody has talked with the resident, who still means to pay."""
    line.act(NoteAct(what="conversation"))
    line.act(NoteAct(what="conversation_ended"))
    return line


def propose(line: Line, account: int = 0, by: str = "operator li", **more: object) -> Decision:
    act = ProposeHoldAct.model_validate({"account": account, "reason": "坚持要转账", **more})
    return line.act(act, by, role=StaffRole.OPERATOR)


def approve(line: Line, by: str, role: StaffRole = DESK, hold: str = "own.1") -> Decision:
    return line.act(ApproveHoldAct(hold=hold), by, role=role)


def decline(line: Line, by: str = "zhou", role: StaffRole = DESK) -> Decision:
    return line.act(DeclineHoldAct(hold="own.1", reason="理由不足"), by, role=role)


def lift(line: Line, by: str = "zhou", role: StaffRole = DESK) -> Decision:
    return line.act(LiftHoldAct(hold="own.1", reason="子女已到场"), by, role=role)


def ordered() -> Line:
    """A hold that two persons have approved: the bank is asked."""
    line = talked(in_danger())
    propose(line)
    approve(line, "zhou")
    approve(line, "sun")
    return line


def answer(line: Line, state: OwnHoldAnswerState, days: int | None = None, step: str = "") -> Decision:
    """The bank answers the latest order about the resident's own account."""
    asked = line.last(Action.HOLD_OUTGOING, Action.LIFT_HOLD)
    return line.give(
        OwnHoldAnswer(
            id=f"answer:{len(line.decisions)}",
            at=line.now,
            resident=RESIDENT,
            case=line.here.id,
            dispatch=asked.id,
            step=step or asked.step,
            state=state,
            until=line.now + timedelta(days=days) if days is not None else None,
            bank="icbc",
        )
    )


def held(line: Line | None = None) -> Line:
    """A hold that the bank has confirmed."""
    line = line or ordered()
    answer(line, OwnHoldAnswerState.IN_FORCE)
    return line


def hold(line: Line, index: int = 0) -> OwnHold:
    return line.here.own_holds[index]


def asked(line: Line, action: Action = Action.HOLD_OUTGOING) -> list[str]:
    """The ids of the orders about own accounts that went out."""
    return [out.id for out in line.sent() if out.action is action]
