"""The drawing of the evidence over time: contacts (calls, messages, apps) beside payments. Called by view.py."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.casework.cases import Case, Payment
from schemas.risk.evidence import Evidence, EvidenceKind
from schemas.risk.signals import TransferState

WIDTH = 1000  # of the drawing, in its own units (0 to 1000)
LEAST = timedelta(minutes=10)  # the shortest span that is drawn
LEAST_BAR = 6
MINUTE = timedelta(minutes=1)
PAYMENTS = frozenset({EvidenceKind.NEW_PAYEE, EvidenceKind.SUSPECT_PAYEE, EvidenceKind.REPORTED_PAYEE})
CALLS = frozenset(
    {
        EvidenceKind.CALL_OVERSEAS,
        EvidenceKind.CALL_GOIP,
        EvidenceKind.CALL_SPOOFED,
        EvidenceKind.SUSPECT_CALLER,
        EvidenceKind.RATED_CALLER,
    }
)
LONGEST_CALL = timedelta(hours=4)  # as in the policy: a call whose end was not reported

_Place = Callable[[datetime], int]


@dataclass(frozen=True, slots=True)
class Moment:
    """One item of the drawing. `lane`: "contact" or "money"; `x`, `width`: in units of WIDTH.

    `minutes`: a call's length so far in whole minutes, rounded down, None for other items; `ongoing`: True if the call
    has not ended.
    """

    at: datetime
    lane: str
    kinds: tuple[EvidenceKind, ...]
    x: int
    width: int
    minutes: int | None = None
    ongoing: bool = False
    amount_fen: int | None = None
    state: TransferState | None = None


@dataclass(frozen=True, slots=True)
class TimeLine:
    """The drawing. `moments`: the latest first; `begins`: the time at the left edge. The right edge is the present
    time.
    """

    moments: list[Moment]
    begins: datetime


def drawn(case: Case, evidence: Iterable[Evidence], now: datetime) -> TimeLine:
    """Return the drawing, up to `now`, of the evidence that is not withdrawn and of the case's payments. Each payment
    appears once, with the evidence about it. The span drawn is at least LEAST (10 minutes).
    """
    standing = [member for member in evidence if not member.withdrawn]
    ats = [*(member.at for member in standing), *(payment.at for payment in case.payments)]
    begins = min([now - LEAST, *ats])
    span = max(now - begins, LEAST)

    def place(at: datetime) -> int:
        return max(0, min(WIDTH - LEAST_BAR, round((at - begins) / span * WIDTH)))

    contacts = [_contact(member, place, now) for member in standing if member.kind not in PAYMENTS]
    moments = [*contacts, *_money(case, standing, place)]
    return TimeLine(sorted(moments, key=lambda moment: (moment.at, moment.lane), reverse=True), begins)


def _contact(member: Evidence, place: _Place, now: datetime) -> Moment:
    ongoing = member.ongoing and now < member.at + LONGEST_CALL
    lasted = max(timedelta(seconds=member.seconds), now - member.at if ongoing else timedelta(0))
    x, called = place(member.at), member.kind in CALLS
    return Moment(
        at=member.at,
        lane="contact",
        kinds=(member.kind,),
        x=x,
        width=max(LEAST_BAR, place(member.at + lasted) - x) if called else LEAST_BAR,
        minutes=lasted // MINUTE if called else None,
        ongoing=ongoing,
        amount_fen=member.amount_fen,
    )


def _money(case: Case, standing: Iterable[Evidence], place: _Place) -> list[Moment]:
    """Return the case's payments with the evidence about each, and the payments known only from evidence."""
    against: dict[str, list[Evidence]] = {}
    for member in standing:
        if member.kind in PAYMENTS and member.transfer:
            against.setdefault(member.transfer, []).append(member)
    found = [_payment(payment, against.pop(payment.transfer, []), place) for payment in case.payments]
    return found + [_evidence(members, place) for members in against.values()]


def _payment(payment: Payment, members: Iterable[Evidence], place: _Place) -> Moment:
    """Return the item of a payment. The item has no status, because the page shows the status once, beside the money
    (domain/payments/status).
    """
    kinds = tuple(sorted({member.kind for member in members}))
    return Moment(payment.at, "money", kinds, place(payment.at), LEAST_BAR, amount_fen=payment.amount_fen)


def _evidence(members: list[Evidence], place: _Place) -> Moment:
    first = members[0]
    kinds = tuple(sorted({member.kind for member in members}))
    return Moment(first.at, "money", kinds, place(first.at), LEAST_BAR, amount_fen=first.amount_fen, state=first.state)
