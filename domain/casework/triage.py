"""Which case an operator should take next: its rank in the queue, and the money at stake."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from domain.payments.ledger import safe
from domain.policy import Policy
from domain.policy.triage import ScamTalk, TriageRules
from schemas.casework.cases import Case, StepState, StopState
from schemas.levels import Action, Result
from schemas.risk.signals import TransferState


def at_stake(case: Case, policy: Policy) -> float:
    """Return the expected loss (fen) if nobody acts.

    It is raised by up to `triage.dear` where it is a large part of what the resident has, so it can exceed the real
    loss.
    """
    stake = case.danger.probability * (to_go(case) + to_come(case, policy))
    there = policy.risk.money.balances[case.profile.balance]
    return stake * (1 + policy.triage.dear * min(1.0, stake / max(1, there)))


def lost_within(case: Case, span: timedelta, policy: Policy) -> float:
    """The share of what is at stake that is gone after `span`."""
    half = scam_of(case, policy).goes
    if case.danger.call_since is not None:
        half = min(half, policy.triage.on_the_line)
    if to_go(case):
        half = min(half, policy.triage.in_flight)
    return float(1 - 0.5 ** (span / half))


def to_go(case: Case) -> int:
    """The money (fen) whose payment has not gone through yet, and which no bank has caught."""
    moving = [payment for payment in case.payments if payment.state is not TransferState.SETTLED]
    return sum(payment.amount_fen for payment in moving if not safe(case, payment.transfer))


def gone(case: Case) -> int:
    """How many payments have gone through."""
    return sum(payment.state is TransferState.SETTLED for payment in case.payments)


def to_come(case: Case, policy: Policy) -> int:
    """What may be asked for beyond the payments that are known (fen): as much as such a scam takes, and is there."""
    known = sum(payment.amount_fen for payment in case.payments)
    return max(0, min(scam_of(case, policy).asks_fen, case.danger.exposure_fen) - known)


def scam_of(case: Case, policy: Policy) -> ScamTalk:
    """How operators meet the case's type of scam."""
    return policy.triage.scams.get(case.danger.scam_type, policy.triage.scam)


_CALLS = frozenset({Action.OPERATOR_CALL, Action.ROBOT_CALL})
_NOT_TAKEN = frozenset({Result.BUSY, Result.NO_ANSWER, Result.REFUSED, Result.VOICEMAIL})
_TALKED = frozenset({Result.DELIVERED, Result.HUNG_UP})
_MINUTE = timedelta(minutes=1)
_NONE = timedelta(0)
_LEAST = 100.0  # fen: even what keeps nothing comes forward once it is beyond its limit
_MOST = 60  # times that it doubles: by then it comes before everything, and a float bears it


class QueueBand(IntEnum):
    """Whose turn a case is; the first comes first in the queue."""

    OFFERED = 0  # an operator's: a call is on the desk, and nobody has the case
    UNDER_WAY = 1  # the plan's, an officer's, or that of the operator who has it
    SETTLED = 2  # nobody's: the resident was dissuaded or cleared


@dataclass(frozen=True, slots=True)
class Weight:
    """All that a case's place in the queue hangs on, but the time: it stays the same for as long as the case does.

    `fen`: what a minute of an operator's keeps. `patience`: what has waited this long counts twice. `limit`: when it
    has waited this long it counts twice, and twice again with each further quarter of it; none: it may wait for as long
    as it takes.
    """

    turn: QueueBand
    fen: float
    since: datetime
    patience: timedelta
    limit: timedelta | None = None

    def at(self, now: datetime) -> float:
        """What it is worth to take the case then: more, the longer it has waited."""
        worth = self.fen * (1 + max(_NONE, now - self.since) / self.patience)
        over = self.beyond(now)
        return worth if over is None else max(worth, _LEAST) * 2.0 ** self._quarters(over)

    def beyond(self, now: datetime) -> timedelta | None:
        """For how long it has waited beyond its limit; none while it is within."""
        over = None if self.limit is None else now - self.since - self.limit
        return over if over is not None and over >= _NONE else None

    def place(self, now: datetime) -> tuple[int, float]:
        """The least is to be taken first. The queue's page reckons the same (console/web/static/order.js)."""
        return self.turn, -self.at(now)

    def _quarters(self, over: timedelta) -> int:
        """Of the limit: those that have begun beyond it."""
        return min(_MOST, 1 + 4 * over // self.limit if self.limit else _MOST)


class Ground(StrEnum):
    """What a case's worth comes from."""

    TO_GO = "to_go"  # money whose payment has not gone through yet, and is not caught
    TO_COME = "to_come"  # no payment is under way: so much may still be asked for
    CALL = "call"  # a suspicious call goes on
    LEFT = "left"  # a clock runs
    NOT_TAKEN = "not_taken"  # calls
    TALKED = "talked"  # talks that did not persuade


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a case stands where it stands. `at`: since when a call goes on, or until when there is time."""

    ground: Ground
    fen: int = 0
    at: datetime | None = None
    times: int = 0


def order(cases: Iterable[Case], now: datetime, policy: Policy) -> list[Case]:
    """The cases, the one to take first at the head."""
    return sorted(cases, key=lambda case: (*weigh(case, policy).place(now), case.id))


def weigh(case: Case, policy: Policy) -> Weight:
    """What the case is worth as it stands, since when it waits, and how long it may."""
    rules, turn = policy.triage, turn_of(case)
    limit = rules.limit.get(case.level) if turn is QueueBand.OFFERED else None
    return Weight(turn, _fen_a_minute(case, policy), waiting_since(case), rules.patience, limit)


def reasons(case: Case, policy: Policy) -> list[Reason]:
    """Why it stands where it stands, as an operator reads it: "¥80,000 still to go, call in progress, 6 min left"."""
    found = []
    if going := to_go(case):
        found.append(Reason(Ground.TO_GO, fen=going))
    elif asked := to_come(case, policy):
        found.append(Reason(Ground.TO_COME, fen=asked))
    if case.danger.call_since is not None:
        found.append(Reason(Ground.CALL, at=case.danger.call_since))
    if (until := left_until(case)) is not None:
        found.append(Reason(Ground.LEFT, at=until))
    counted = ((Ground.NOT_TAKEN, _not_taken(case)), (Ground.TALKED, _talks(case)))
    return found + [Reason(ground, times=times) for ground, times in counted if times]


def left_until(case: Case) -> datetime | None:
    """Until when there is time, as far as the case knows: the call is owed, or the first stop of a payment runs out."""
    calls = [step.due for step in case.steps if step.action is Action.OPERATOR_CALL and step.state is StepState.SENT]
    stops = [payment.stop for payment in case.payments if payment.stop is not None]
    ends = [stop.until for stop in stops if stop.state is StopState.IN_FORCE]
    return min((each for each in (*calls, *ends) if each is not None), default=None)


def waiting_since(case: Case) -> datetime:
    """Since when the case has waited for an operator; where none is to call, since when it has been open."""
    return case.offered_at or case.opened_at


def turn_of(case: Case) -> QueueBand:
    """Whose turn it is."""
    if case.settled:
        return QueueBand.SETTLED
    return QueueBand.OFFERED if case.claimed_by is None and called(case) else QueueBand.UNDER_WAY


def called(case: Case) -> bool:
    """Whether a call of an operator is on the desk."""
    return any(step.action is Action.OPERATOR_CALL and step.state is StepState.SENT for step in case.steps)


def _fen_a_minute(case: Case, policy: Policy) -> float:
    """What a minute of an operator's keeps, if he takes the case as it stands."""
    rules, reached = policy.triage, _reached(case, policy.triage)
    persuaded = scam_of(case, policy).persuaded * rules.again ** _talks(case) * rules.paid ** gone(case)
    minutes = (reached * rules.talk + (1 - reached) * rules.ring) / _MINUTE
    return at_stake(case, policy) * lost_within(case, rules.horizon, policy) * reached * persuaded / minutes


def _reached(case: Case, rules: TriageRules) -> float:
    """The chance that the call is taken."""
    return rules.busy if case.danger.call_since is not None else rules.reached * rules.again ** _not_taken(case)


def _not_taken(case: Case) -> int:
    """Calls that the resident did not take, a robot's too."""
    return sum(result in _NOT_TAKEN for step in case.steps if step.action in _CALLS for result in step.results)


def _talks(case: Case) -> int:
    """Talks of operators with the resident."""
    calls = (step.results for step in case.steps if step.action is Action.OPERATOR_CALL)
    return sum(result in _TALKED for results in calls for result in results)
