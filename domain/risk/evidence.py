"""Derives evidence about a resident from a signal; everyday signals give none."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

from domain.policy.risk import RiskRules
from domain.risk.fan_out import since
from schemas.base import Partial
from schemas.risk.evidence import Evidence, EvidenceKind, Payer, WatchEntry, WatchStatus
from schemas.risk.signals import App, AppKind, Call, NumberClass, Report, Signal, Sms, Transfer


class Role(StrEnum):
    """The resident's role in a signal: of a payment (PAYER), of a call (CALLED, CALLER), of a text message (RECEIVER),
    of an app or website visited (SUBSCRIBER), or of a report to the police (REPORTER).
    """

    PAYER = "payer"
    CALLED = "called"
    CALLER = "caller"
    RECEIVER = "receiver"
    SUBSCRIBER = "subscriber"
    REPORTER = "reporter"


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What is known of a signal besides its content: `topic`, `partition` and `offset` of its record, and the
    resident's role in it.

    `payee`: the token of a payment's payee; `watch`: the other party's watchlist entry; None if there is none.
    """

    topic: str
    partition: int
    offset: int
    role: Role
    payee: str | None = None
    watch: WatchEntry | None = None


_BY_CLASS = Partial(
    {
        NumberClass.OVERSEAS: EvidenceKind.CALL_OVERSEAS,
        NumberClass.GOIP: EvidenceKind.CALL_GOIP,
        NumberClass.SPOOFED: EvidenceKind.CALL_SPOOFED,
    }
)
_BY_APP = {kind: EvidenceKind(f"app_{kind}") for kind in AppKind}
_BY_STANDING = {
    WatchStatus.CONFIRMED: (EvidenceKind.SUSPECT_PAYEE,),
    WatchStatus.LIFTED: (EvidenceKind.SUSPECT_PAYEE, EvidenceKind.REPORTED_PAYEE),  # both kinds are withdrawn
    WatchStatus.REPORTED: (EvidenceKind.REPORTED_PAYEE,),
}


def reads_watchlist(signal: Signal) -> bool:
    """Return whether the watchlist matters for a signal: a payment, call or SMS, except 96110's own calls and SMS."""
    if signal.kind == "call" or signal.kind == "sms":
        return signal.number_class is not NumberClass.HOTLINE
    return signal.kind == "transfer"


def may_be_evidence(signal: Signal) -> bool:
    """Return whether a signal may be evidence by itself: a payment to a new payee, a call or SMS whose number is not
    ordinary, or any signal of another kind.

    Others are evidence only if the other party is on the watchlist.
    """
    if signal.kind == "transfer":
        return signal.new_payee
    if signal.kind == "call" or signal.kind == "sms":
        return signal.number_class is not NumberClass.ORDINARY
    return True


def evidence_of(signal: Signal, seen: Seen, rules: RiskRules) -> list[Evidence]:
    """Return the evidence of a signal about its resident: empty for everyday signals and for 96110's own calls."""
    found = _BY_SIGNAL.get(signal.kind)
    return found(signal, seen, rules) if found else []


def about_payer(payer: Payer, payee: str, watch: WatchEntry, rules: RiskRules) -> list[Evidence]:
    """Return the evidence that a watchlist entry makes of a payment, whichever of them came first.

    Payments from before the policy's window are no evidence. While a person is asked about the earlier payments, or has
    refused, only later ones are evidence.
    """
    if payer.at < since(watch, rules):
        return []
    return [_payment(payer, payee, watch, kind) for kind in _BY_STANDING[watch.standing]]


def _payment(payer: Payer, payee: str, watch: WatchEntry, kind: EvidenceKind) -> Evidence:
    return Evidence(
        id=f"{payer.transfer}~{kind}",
        kind=kind,
        at=payer.at,
        topic=payer.topic,
        partition=payer.partition,
        offset=payer.offset,
        transfer=payer.transfer,
        payee=payee,
        state=payer.state,
        amount_fen=payer.amount_fen,
        balance_fen=payer.balance_fen,
        campaign=watch.campaign,
        scam_type=watch.scam_type,
        watch_at=watch.at,
        withdrawn=watch.standing is WatchStatus.LIFTED,
    )


def _transfer(signal: Transfer, seen: Seen, rules: RiskRules) -> list[Evidence]:
    if seen.payee is None:
        return []
    found = []
    if seen.watch is not None:
        found.extend(about_payer(payer_of(signal, seen), seen.payee, seen.watch, rules))
    if signal.new_payee and _weighty(signal, rules):
        about = {"transfer": signal.uid, "payee": seen.payee, "state": signal.state}
        money = {"amount_fen": signal.amount_fen, "balance_fen": signal.balance_fen}
        found.append(_evidence(signal, EvidenceKind.NEW_PAYEE, seen, **about, **money))
    return found


def payer_of(signal: Transfer, seen: Seen, resident: str = "") -> Payer:
    """Return a payment in the form stored for later. Evidence is made with `resident` empty."""
    return Payer(
        resident=resident,
        transfer=signal.uid,
        at=signal.at,
        topic=seen.topic,
        partition=seen.partition,
        offset=seen.offset,
        amount_fen=signal.amount_fen,
        balance_fen=signal.balance_fen,
        state=signal.state,
    )


def _weighty(signal: Transfer, rules: RiskRules) -> bool:
    """Return whether a payment to a new payee is large enough; small sums or small shares of the balance are everyday
    life.
    """
    if signal.amount_fen < rules.money.least_fen:
        return False
    return not signal.balance_fen or signal.amount_fen >= rules.money.least_share * signal.balance_fen


def _call(signal: Call, seen: Seen, rules: RiskRules) -> list[Evidence]:
    kind = None
    if signal.number_class is not NumberClass.HOTLINE:
        kind = EvidenceKind.SUSPECT_CALLER if _confirmed(seen.watch) else _BY_CLASS.get(signal.number_class)
    if kind is None or (seen.role is Role.CALLER and kind is not EvidenceKind.SUSPECT_CALLER):
        return []
    return [_evidence(signal, kind, seen, seconds=signal.seconds, ongoing=signal.ongoing, **_from_watch(seen.watch))]


def _sms(signal: Sms, seen: Seen, rules: RiskRules) -> list[Evidence]:
    if signal.number_class is NumberClass.HOTLINE:
        return []
    if signal.number_class is NumberClass.ORDINARY and not _confirmed(seen.watch):
        return []
    return [_evidence(signal, EvidenceKind.SCAM_SMS, seen, **_from_watch(seen.watch))]


def _app(signal: App, seen: Seen, rules: RiskRules) -> list[Evidence]:
    return [_evidence(signal, _BY_APP[signal.app_kind], seen)]


def _report(signal: Report, seen: Seen, rules: RiskRules) -> list[Evidence]:
    return [_evidence(signal, EvidenceKind.OWN_REPORT, seen, amount_fen=signal.amount_fen)]


def _confirmed(watch: WatchEntry | None) -> bool:
    return watch is not None and watch.standing is WatchStatus.CONFIRMED


def _from_watch(watch: WatchEntry | None) -> dict[str, object]:
    if watch is None or watch.standing is not WatchStatus.CONFIRMED:
        return {}
    return {"campaign": watch.campaign, "scam_type": watch.scam_type, "watch_at": watch.at}


def _evidence(signal: Signal, kind: EvidenceKind, seen: Seen, **more: object) -> Evidence:
    where = {"at": signal.at, "topic": seen.topic, "partition": seen.partition, "offset": seen.offset}
    return Evidence.model_validate({"id": f"{signal.uid}~{kind}", "kind": kind, **where, **more})


_BY_SIGNAL: dict[str, Callable[[Any, Seen, RiskRules], list[Evidence]]] = {
    "transfer": _transfer,
    "call": _call,
    "sms": _sms,
    "app": _app,
    "report": _report,
}
