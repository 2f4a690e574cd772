"""What feeds and operators tell in a schedule, made from a few words; and records that nobody should have written."""

from datetime import datetime, timedelta
from typing import Any

from schemas.casework.acts import OutcomeAct
from schemas.casework.inputs import OperatorReport
from schemas.casework.orders import ApproveStopAct
from schemas.levels import Outcome, OutcomeGround
from schemas.people.staff import StaffRole
from schemas.risk.signals import (
    App,
    AppKind,
    Call,
    Channel,
    NumberClass,
    Report,
    Signal,
    Sms,
    Transfer,
    TransferState,
    Watch,
    WatchState,
)
from tests.simulation.simulated.prepare import account, phone

SCAMMER = "+85290000000"

POISON = (
    b"",
    b"null",
    b"{}",
    b"[]",
    b'"text"',
    b"[null]",
    b'{"kind":"alert"}',
    b'{"kind":"contact_result","id":"x","at":"2026-03-02T02:00:00Z"}',
    b'[{"kind":"sms","source":"feed","id":"p","at":"9999-12-31T23:59:59Z"}]',
    b'{"kind":"deadline","id":"d","at":"2026-03-02T02:00:00Z","resident":"raaaaaaaaaaaaaaaa","case":"raaaaaaaaaaaaaaaa-1"}',
    b'{"id":9007199254740993,"case":{"id":"' + b"x" * 5000 + b'"}}',
    b"\xff\xfe not JSON",
    b'{"kind":"policy_change","id":"p1","at":"2026-03-02T02:00:00Z","policy":"0000000000000000","by":"nobody"}',
    b"[" * 200 + b"]" * 200,
)


def signal(told: dict[str, Any], now: datetime) -> Signal:
    """The signal that these words mean: `kind`, `who` (a resident's number, from 0), `payee`, `n` (its own number).

    `of`: the number of the payment whose later state a transfer tells; `state`: a transfer's, or a suspect's.
    """
    number, kind = told["n"], told["kind"]
    usual = {"source": _SOURCES.get(kind, "carrier"), "id": f"s{told.get('of', number)}", "arrived": now}
    to, payer = phone(told["who"] + 1), account(told["who"] + 1)
    match kind:
        case "sms":
            return Sms(**usual, at=_before(now, 1), sender="10690000", receiver=to, number_class=NumberClass.GOIP)
        case "app":
            return App(**usual, at=_before(now, 1), phone=to, app_kind=AppKind.BRUSHING, target="app.example.invalid")
        case "long" | "ongoing":
            minutes = 45 if kind == "long" else 3
            return Call(
                **usual,
                at=_before(now, minutes),
                caller=SCAMMER,
                called=to,
                seconds=minutes * 60,
                ongoing=kind == "ongoing",
                number_class=NumberClass.GOIP,
            )
        case "transfer":
            return Transfer(
                **usual,
                at=_before(now, 1),
                payer=payer,
                payee=account(told["payee"]),
                amount_fen=3_000_000,
                balance_fen=5_000_000,
                channel=Channel.MOBILE_BANK,
                state=TransferState(told.get("state", TransferState.PENDING)),
                new_payee=True,
            )
        case "victim":
            return Report(**usual, at=_before(now, 0), phone=to, suspect_account=account(told["payee"]))
        case _:
            return Watch(
                **usual,
                at=_before(now, 0),
                subject="account",
                value=account(told["payee"]),
                state=WatchState(told.get("state", WatchState.CONFIRMED)),
            )


def dissuaded(case: dict[str, Any], number: int, now: datetime) -> OperatorReport:
    """An operator has persuaded the resident of a case as it stands."""
    return OperatorReport(
        id=f"operator:{number}:{case['id']}",
        at=now,
        resident=case["resident"],
        case=case["id"],
        by="operator-1",
        seen=case["version"],
        act=OutcomeAct(outcome=Outcome.DISSUADED, ground=OutcomeGround.RELATIVE),
    )


def approvals(case: dict[str, Any], number: int, now: datetime) -> list[OperatorReport]:
    """Two persons at the stop desk approve each order of a case that waits."""
    return [
        OperatorReport(
            id=f"release:{number}:{case['id']}:{order['step']}:{person}",
            at=now,
            resident=case["resident"],
            case=case["id"],
            by=f"release-{person}",
            role=StaffRole.RELEASE_DESK,
            seen=case["version"],
            act=ApproveStopAct(order=order["step"]),
        )
        for order in case["orders"]
        if order["state"] == "proposed"
        for person in (1, 2)
    ]


_SOURCES = {"transfer": "bank", "app": "appwatch", "watch": "police", "victim": "police"}


def _before(now: datetime, minutes: float) -> datetime:
    return now - timedelta(minutes=minutes)
