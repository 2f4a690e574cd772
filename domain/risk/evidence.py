"""Derives evidence about a resident from a signal; everyday signals give none."""

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Any

import msgspec

from domain.policy.risk import RiskRules
from domain.risk.fan_out import since
from domain.risk.verdicts import combined_verdict
from schemas.base import Partial
from schemas.risk.evidence import Callee, EarlierContact, Evidence, EvidenceKind, Payer, WatchEntry, WatchStatus
from schemas.risk.signals import App, AppKind, Call, CallEnd, NumberClass, Report, Signal, Sms, Transfer


class Role(StrEnum):
    """The resident's role in a signal: PAYER of a payment, CALLED or CALLER in a call, RECEIVER of a text message.

    SUBSCRIBER: of the line from which an app or website was used. REPORTER: to the police.
    """

    PAYER = "payer"
    CALLED = "called"
    CALLER = "caller"
    RECEIVER = "receiver"
    SUBSCRIBER = "subscriber"
    REPORTER = "reporter"


class SignalContext(msgspec.Struct, frozen=True, gc=False):
    """The data about a signal besides its own fields.

    `topic`, `partition`, `offset`: the place of its record. `role`: the resident's role in the signal. `payee`: the
    token of a payment's payee, or None. `watch`: the watchlist entry of the other party, or None. `rated`: vendors'
    verdicts about the other party's telephone number.
    """

    topic: str
    partition: int
    offset: int
    role: Role
    payee: str | None = None
    watch: WatchEntry | None = None
    rated: tuple[WatchEntry, ...] = ()


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
    WatchStatus.RATED: (),
}


def reads_watchlist(signal: Signal) -> bool:
    """Return True if the watchlist is looked up for a signal: a payment, or a call or SMS that is not 96110's own."""
    if signal.kind == "call" or signal.kind == "sms":
        return signal.number_class is not NumberClass.HOTLINE
    return signal.kind == "transfer"


def may_be_evidence(signal: Signal) -> bool:
    """Return True if a signal may be evidence even if the other party is not on the watchlist.

    That is so for a payment to a new payee, a call or SMS from a number of an unusual class, and every signal of
    another kind.
    """
    if signal.kind == "transfer":
        return signal.new_payee
    if signal.kind == "call" or signal.kind == "sms":
        return signal.number_class is not NumberClass.ORDINARY
    return True


def evidence_of(signal: Signal, seen: SignalContext, rules: RiskRules) -> list[Evidence]:
    """Return the evidence that a signal gives about its resident. Empty for everyday signals, for 96110's own calls and
    SMS, and for watchlist signals. `seen`: the place of the signal's record, the resident's role, and the watchlist
    entries about the other party.
    """
    found = _BY_SIGNAL.get(signal.kind)
    return found(signal, seen, rules) if found else []


def about_contact(contact: EarlierContact, suspect: str, watch: WatchEntry, rules: RiskRules) -> list[Evidence]:
    """Return the evidence that an earlier payment or call gives because the other party is on the watchlist (`watch`).
    `suspect`: the other party's token.

    Empty if the contact is older than the policy allows (see `fan_out.since`), and for a call if the entry is neither
    confirmed nor lifted. Evidence of a lifted entry is marked as withdrawn.
    """
    if isinstance(contact, Payer):
        return about_payer(contact, suspect, watch, rules)
    if contact.at < since(watch, rules) or watch.standing not in (WatchStatus.CONFIRMED, WatchStatus.LIFTED):
        return []
    return [_earlier_call(contact, watch)]


def about_payer(payer: Payer, payee: str, watch: WatchEntry, rules: RiskRules) -> list[Evidence]:
    """Return the evidence about a payer that a payment gives because its payee is on the watchlist, whether the entry
    was there before the payment or came later. Evidence of a lifted entry is marked as withdrawn.

    Empty for an entry that is only a rating, if the payment is older than the policy's window, or if a person must
    first agree to alert such early payments and has not (see `fan_out.since`).
    """
    if payer.at < since(watch, rules):
        return []
    return [_payment(payer, payee, watch, kind) for kind in _BY_STANDING[watch.standing]]


def _earlier_call(callee: Callee, watch: WatchEntry) -> Evidence:
    kind = EvidenceKind.SUSPECT_CALLER
    return Evidence(
        id=f"{callee.call}~{kind}",
        kind=kind,
        at=callee.at,
        topic=callee.topic,
        partition=callee.partition,
        offset=callee.offset,
        seconds=callee.seconds,
        ongoing=callee.ongoing,
        campaign=watch.campaign,
        scam_type=watch.scam_type,
        watch_at=watch.at,
        withdrawn=watch.standing is WatchStatus.LIFTED,
    )


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


def _transfer(signal: Transfer, seen: SignalContext, rules: RiskRules) -> list[Evidence]:
    if seen.payee is None:
        return []
    found = []
    if seen.watch is not None:
        found.extend(about_payer(payer_of(signal, seen), seen.payee, seen.watch, rules))
    elif share := _rated_share(signal, seen, rules):
        about = {"transfer": signal.uid, "payee": seen.payee, "state": signal.state, "campaign": f"k-{seen.payee}"}
        money = {"amount_fen": signal.amount_fen, "balance_fen": signal.balance_fen}
        found.append(_evidence(signal, EvidenceKind.REPORTED_PAYEE, seen, share=share, **about, **money))
    if signal.new_payee and _weighty(signal, rules):
        about = {"transfer": signal.uid, "payee": seen.payee, "state": signal.state}
        money = {"amount_fen": signal.amount_fen, "balance_fen": signal.balance_fen}
        found.append(_evidence(signal, EvidenceKind.NEW_PAYEE, seen, **about, **money))
    return found


def payer_of(signal: Transfer, seen: SignalContext, resident: str = "") -> Payer:
    """Return a payment as a record about its payer. It is stored for some days, in case its payee becomes a suspect.
    `resident`: the payer's id; it may stay empty if only evidence is made of the result.
    """
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


def callee_of(signal: Call, seen: SignalContext, resident: str, rules: RiskRules) -> Callee | None:
    """Return a call in the form in which it is stored until its caller may become a suspect; None if it is not stored.

    Stored are answered calls to a resident of at least `upstream.least_call`, except those of 96110, if the policy says
    how far back calls count.
    """
    if rules.upstream.calls is None or seen.role is not Role.CALLED or signal.number_class is NumberClass.HOTLINE:
        return None
    if signal.ended not in (None, CallEnd.ANSWERED):
        return None
    if signal.seconds < rules.upstream.least_call.total_seconds():
        return None
    return Callee(
        resident=resident,
        call=signal.uid,
        at=signal.at,
        topic=seen.topic,
        partition=seen.partition,
        offset=seen.offset,
        seconds=signal.seconds,
        ongoing=signal.ongoing,
    )


def _weighty(signal: Transfer, rules: RiskRules) -> bool:
    """Return True if a payment to a new payee is large enough; small sums or small shares of the balance are everyday
    life.
    """
    if signal.amount_fen < rules.money.least_fen:
        return False
    return not signal.balance_fen or signal.amount_fen >= rules.money.least_share * signal.balance_fen


def _call(signal: Call, seen: SignalContext, rules: RiskRules) -> list[Evidence]:
    """Return the evidence of a call. A call that never rang at the resident's telephone told them nothing."""
    if seen.role is Role.CALLED and signal.ended is not None and not signal.ended.reached:
        return []
    kind = None
    if signal.number_class is not NumberClass.HOTLINE:
        kind = EvidenceKind.SUSPECT_CALLER if _with_suspect(signal, seen, rules) else _BY_CLASS.get(signal.number_class)
    if seen.role is Role.CALLER and kind is not EvidenceKind.SUSPECT_CALLER:
        return []
    lasted = {"seconds": signal.seconds, "ongoing": signal.ongoing}
    watch = seen.watch if kind is EvidenceKind.SUSPECT_CALLER else None
    found = [_evidence(signal, kind, seen, **lasted, **_from_watch(watch))] if kind else []
    if share := _rated_share(signal, seen, rules):
        found.append(_evidence(signal, EvidenceKind.RATED_CALLER, seen, **lasted, share=share))
    return found


def _with_suspect(signal: Call, seen: SignalContext, rules: RiskRules) -> bool:
    """Return True if the other party counts as a suspect for this call.

    It does not for a call to the resident that is older than the policy's window, or that came before a person was
    asked about such early calls who has not agreed (see `fan_out.since`). A call that still goes on is as old as its
    latest report: a person who is talking to a suspect now is not one of the past.
    """
    if seen.watch is None or not _confirmed(seen.watch):
        return False
    latest = signal.at + timedelta(seconds=signal.seconds) if signal.ongoing else signal.at
    return seen.role is not Role.CALLED or latest >= since(seen.watch, rules)


def _sms(signal: Sms, seen: SignalContext, rules: RiskRules) -> list[Evidence]:
    if signal.number_class is NumberClass.HOTLINE:
        return []
    if signal.number_class is NumberClass.ORDINARY and not _confirmed(seen.watch):
        share = _rated_share(signal, seen, rules)
        return [_evidence(signal, EvidenceKind.SCAM_SMS, seen, share=share)] if share else []
    return [_evidence(signal, EvidenceKind.SCAM_SMS, seen, **_from_watch(seen.watch))]


def _rated_share(signal: Transfer | Call | Sms, seen: SignalContext, rules: RiskRules) -> float:
    """Return the share of the evidence's weight that vendors' verdicts give; 0 if somebody decided about the number."""
    decided = seen.watch is not None and seen.watch.standing in (WatchStatus.CONFIRMED, WatchStatus.LIFTED)
    own = signal.kind != "transfer" and signal.number_class is NumberClass.HOTLINE
    if decided or not seen.rated or own:
        return 0.0
    return combined_verdict(seen.rated, rules.verdicts, signal.at)


def _app(signal: App, seen: SignalContext, rules: RiskRules) -> list[Evidence]:
    return [_evidence(signal, _BY_APP[signal.app_kind], seen)]


def _report(signal: Report, seen: SignalContext, rules: RiskRules) -> list[Evidence]:
    return [_evidence(signal, EvidenceKind.OWN_REPORT, seen, amount_fen=signal.amount_fen)]


def _confirmed(watch: WatchEntry | None) -> bool:
    return watch is not None and watch.standing is WatchStatus.CONFIRMED


def _from_watch(watch: WatchEntry | None) -> dict[str, object]:
    if watch is None or watch.standing is not WatchStatus.CONFIRMED:
        return {}
    return {"campaign": watch.campaign, "scam_type": watch.scam_type, "watch_at": watch.at}


def _evidence(signal: Signal, kind: EvidenceKind, seen: SignalContext, **more: object) -> Evidence:
    where = {"at": signal.at, "topic": seen.topic, "partition": seen.partition, "offset": seen.offset}
    return Evidence.model_validate({"id": f"{signal.uid}~{kind}", "kind": kind, **where, **more})


_BY_SIGNAL: dict[str, Callable[[Any, SignalContext, RiskRules], list[Evidence]]] = {
    "transfer": _transfer,
    "call": _call,
    "sms": _sms,
    "app": _app,
    "report": _report,
}
