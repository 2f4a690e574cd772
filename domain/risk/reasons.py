"""The reasons of a risk as codes with figures, the gravest first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.codes.danger import (
    CombinedEvidence,
    DangerCode,
    OngoingCall,
    OwnReport,
    PaymentMade,
    PaymentUnderWay,
    ScamApp,
    ScamSms,
    SuspiciousCall,
)
from schemas.risk.evidence import Evidence, EvidenceKind
from schemas.risk.signals import TransferState

MOST = 6  # nobody reads out more
_MINUTE, _HOUR = 60, 3_600


@dataclass(frozen=True, slots=True)
class _Seen:
    """The gravest evidence of a kind. `times`: number of evidence, None for one."""

    member: Evidence
    times: int | None
    now: datetime
    longest_call: timedelta


def reasons(
    weighty: Sequence[Evidence], fused: Sequence[str], now: datetime, longest_call: timedelta
) -> list[DangerCode]:
    """Return at most 6 reasons as codes: first the combination rules that apply (`fused`, by their words), then one for
    each kind of evidence, the gravest kind first.

    `weighty`: the evidence, the gravest first. A kind is described by its gravest piece of evidence and the number of
    pieces. A call that began longer than `longest_call` ago no longer counts as ongoing.
    """
    by_kind: dict[EvidenceKind, list[Evidence]] = {}
    for member in weighty:
        by_kind.setdefault(member.kind, []).append(member)
    found = [_reason(members, now, longest_call) for members in by_kind.values()]
    return [*map(CombinedEvidence, fused), *found][:MOST]


def _reason(members: Sequence[Evidence], now: datetime, longest_call: timedelta) -> DangerCode:
    member, times = members[0], len(members) if len(members) > 1 else None
    return _REASONS[member.kind](_Seen(member, times, now, longest_call))


def _call(seen: _Seen) -> DangerCode:
    member = seen.member
    if member.ongoing and seen.now < member.at + seen.longest_call:
        return OngoingCall(member.kind, member.at, seen.times)
    return SuspiciousCall(member.kind, _coarse(member.seconds), member.at, seen.times)


def _payment(seen: _Seen) -> DangerCode:
    settled = seen.member.state is TransferState.SETTLED
    code = PaymentMade if settled else PaymentUnderWay
    return code(seen.member.kind, seen.member.amount_fen or 0, seen.member.at, seen.times)


def _sms(seen: _Seen) -> DangerCode:
    return ScamSms(seen.member.at, seen.times)


def _app(seen: _Seen) -> DangerCode:
    return ScamApp(seen.member.kind, seen.member.at, seen.times)


def _report(seen: _Seen) -> DangerCode:
    return OwnReport(seen.member.at, seen.member.amount_fen or None, seen.times)


_REASONS: Mapping[EvidenceKind, Callable[[_Seen], DangerCode]] = {
    EvidenceKind.CALL_OVERSEAS: _call,
    EvidenceKind.CALL_GOIP: _call,
    EvidenceKind.CALL_SPOOFED: _call,
    EvidenceKind.SUSPECT_CALLER: _call,
    EvidenceKind.RATED_CALLER: _call,
    EvidenceKind.NEW_PAYEE: _payment,
    EvidenceKind.SUSPECT_PAYEE: _payment,
    EvidenceKind.REPORTED_PAYEE: _payment,
    EvidenceKind.SCAM_SMS: _sms,
    EvidenceKind.APP_BRUSHING: _app,
    EvidenceKind.APP_LOAN: _app,
    EvidenceKind.APP_INVESTMENT: _app,
    EvidenceKind.APP_SHOPPING: _app,
    EvidenceKind.APP_MEETING: _app,
    EvidenceKind.APP_CHAT: _app,
    EvidenceKind.APP_OTHER: _app,
    EvidenceKind.OWN_REPORT: _report,
}


def _coarse(seconds: int) -> int:
    """Return a duration in seconds, rounded down to whole minutes from a minute on, hours from an hour on."""
    return seconds - seconds % (1 if seconds < _MINUTE else _MINUTE if seconds < _HOUR else _HOUR)
