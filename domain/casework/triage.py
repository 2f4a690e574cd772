"""The operators' queue: the priority of each case, from the money at stake and the waiting time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NamedTuple

from domain.calendar import local_date
from domain.payments.ledger import safe
from domain.policy import Policy
from domain.policy.triage import ScamTalk, TriageRules
from schemas.casework.cases import Case, StepState
from schemas.levels import Action, Level, Result
from schemas.risk.signals import TransferState


def at_stake(case: Case, policy: Policy) -> float:
    """Return the expected loss (fen) if nobody acts: the probability of the danger times the sum of `to_go` and
    `to_come`, weighted.

    The weight is from 1 to 1 + `triage.dear` of the policy: the larger a part the loss is of the money that the policy
    assumes for the resident, the higher. So the result can exceed the real loss.
    """
    stake = case.danger.probability * (to_go(case) + to_come(case, policy))
    there = policy.risk.money.balances[case.profile.balance]
    return stake * (1 + policy.triage.dear * min(1.0, stake / max(1, there)))


def lost_within(case: Case, span: timedelta, policy: Policy) -> float:
    """Return the share (0 to 1) of the money at stake that is expected to be lost within `span` from now.

    The remaining money halves with each half-life (`money_half_life`).
    """
    return float(1 - 0.5 ** (span / money_half_life(case, policy)))


def money_half_life(case: Case, policy: Policy) -> timedelta:
    """Return the time in which half of the money at stake is expected to be lost: the policy's `goes` of the scam, or a
    shorter time during a suspicious call or while a payment is under way.
    """
    half = scam_of(case, policy).goes
    if case.danger.call_since is not None:
        half = min(half, policy.triage.on_the_line)
    return min(half, policy.triage.in_flight) if to_go(case) else half


def to_go(case: Case) -> int:
    """Return the sum (fen) of the case's payments that are neither settled nor safe. Safe: a bank has confirmed that
    the money stayed with the resident, came back, or is frozen.
    """
    moving = [payment for payment in case.payments if payment.state is not TransferState.SETTLED]
    return sum(payment.amount_fen for payment in moving if not safe(case, payment.transfer))


def settled_payment_count(case: Case) -> int:
    """Return the number of the case's settled payments."""
    return sum(payment.state is TransferState.SETTLED for payment in case.payments)


def to_come(case: Case, policy: Policy) -> int:
    """Return the sum (fen) that the scam may still ask for: the usual loss of such a case, less the known payments; at
    least 0.

    The usual loss is limited to the exposure that screening found, because the policy may estimate more since.
    """
    known = sum(payment.amount_fen for payment in case.payments)
    age = local_date(case.opened_at).year - case.profile.birth_year
    loss = policy.risk.loss.of(case.danger.scam_type, age)
    return max(0, min(loss, case.danger.exposure_fen) - known)


def scam_of(case: Case, policy: Policy) -> ScamTalk:
    """Return the policy's triage figures for the case's scam type, or the general ones if it has none for this type."""
    return policy.triage.scams.get(case.danger.scam_type, policy.triage.scam)


_CALLS = frozenset({Action.OPERATOR_CALL, Action.ROBOT_CALL})
_NOT_TAKEN = frozenset({Result.BUSY, Result.NO_ANSWER, Result.REFUSED, Result.VOICEMAIL})
_TALKED = frozenset({Result.DELIVERED, Result.HUNG_UP})
_MINUTE = timedelta(minutes=1)
_NONE = timedelta(0)
_LEAST = 100.0  # fen: beyond its limit, even a case with nothing at stake moves forward
_MOST = 60  # doublings: by then it precedes everything, and a float can still hold it


class QueueBand(IntEnum):
    """The classes of cases by who must act on them. Lower values come first in the queue.

    OFFERED: an operator, because a call is on the desk and nobody has claimed the case. UNDER_WAY: the plan, an
    officer, or the operator who claimed the case. SETTLED: nobody, because the resident was dissuaded or cleared, or
    the case closed.
    """

    OFFERED = 0
    UNDER_WAY = 1
    SETTLED = 2


@dataclass(frozen=True, slots=True)
class Weight:
    """Everything but the time that determines a case's place in the queue; it changes only with the case.

    `turn`: its band. `fen`: the expected saving (fen) per minute of an operator. `since`: when it began to wait.
    `patience`: after this wait the worth counts twice. `limit`: after this wait the worth doubles, and again after each
    further quarter of it; None: no limit. `factors`: how `fen` was computed; None: unknown.
    """

    turn: QueueBand
    fen: float
    since: datetime
    patience: timedelta
    limit: timedelta | None = None
    factors: "WorthFactors | None" = None

    def at(self, now: datetime) -> float:
        """Return the worth of taking the case at `now`, in fen per minute of an operator.

        It grows with the waiting time. Once the wait reaches the limit, a worth below 1 yuan counts as 1 yuan, and the
        worth is doubled, and again after each further quarter of the limit.
        """
        waited, doubled = self.raised(now)
        worth = self.fen * waited
        return max(worth, _LEAST) * 2.0**doubled if doubled else worth

    def raised(self, now: datetime) -> tuple[float, int]:
        """Return (factor, doublings): how much waiting until `now` raises the worth.

        The factor is 1 plus the wait divided by `patience`. Doublings (at most 60) is how often the worth is doubled: 0
        until the wait reaches `limit`, then 1, and one more for each further quarter of the limit. Neither is applied
        here: see `at`, which also takes a worth below 1 yuan as 1 yuan before it doubles it.
        """
        waited = now - self.since
        factor = 1 + waited / self.patience if waited > _NONE else 1.0
        over = self.beyond(now)
        return factor, 0 if over is None else self._quarters(over)

    def beyond(self, now: datetime) -> timedelta | None:
        """Return how long the case has waited beyond its limit at `now`; zero when it just reaches it; None if it has
        not reached it, or if it has no limit.
        """
        over = None if self.limit is None else now - self.since - self.limit
        return over if over is not None and over >= _NONE else None

    def place(self, now: datetime) -> tuple[int, float]:
        """Return the sort key of the case in the queue at `now`: (its QueueBand as a number, minus its worth in fen per
        minute of an operator, see `at`). The lowest key comes first.

        The queue's page computes the same (console/web/static/order.js).
        """
        return self.turn, -self.at(now)

    def _quarters(self, over: timedelta) -> int:
        """Return how many quarters of the limit have begun beyond it."""
        return min(_MOST, 1 + 4 * over // self.limit if self.limit else _MOST)


class WorthFactors(NamedTuple):
    """The figures whose product is a case's worth, so that a page can explain it: the expected loss `stake_fen` (fen);
    the share `lost` (0 to 1) of it that is expected to go within `within`; the probabilities that the call is answered
    and that the resident is persuaded; and the minutes that such a call takes on average.
    """

    stake_fen: float
    lost: float
    within: timedelta
    reached: float
    persuaded: float
    minutes: float

    @property
    def fen(self) -> float:
        """The worth in fen per minute of an operator."""
        return self.stake_fen * self.lost * self.reached * self.persuaded / self.minutes


class Ground(StrEnum):
    """The kinds of reasons for a case's place in the queue.

    TO_GO: money in payments that are neither settled nor safe. TO_COME: no such payment, but money that may still be
    asked for. CALL: a suspicious call is in progress. NOT_TAKEN: unanswered calls. TALKED: conversations that did not
    persuade.
    """

    TO_GO = "to_go"
    TO_COME = "to_come"
    CALL = "call"
    NOT_TAKEN = "not_taken"
    TALKED = "talked"


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason for a case's place in the queue.

    `fen`: the money (TO_GO, TO_COME). `at`: the start of the call (CALL). `times`: the number of calls or conversations
    (NOT_TAKEN, TALKED).
    """

    ground: Ground
    fen: int = 0
    at: datetime | None = None
    times: int = 0


def order(cases: Iterable[Case], now: datetime, policy: Policy) -> list[Case]:
    """Return the cases in the order in which operators should take them at `now`, the most urgent first."""
    return sorted(cases, key=lambda case: (*weigh(case, policy).place(now), case.id))


def weigh(case: Case, policy: Policy) -> Weight:
    """Return the case's weight in the queue. Only an offered case has a limit."""
    rules, turn = policy.triage, queue_band(case)
    limit = rules.limit.get(case.level) if turn is QueueBand.OFFERED else None
    since = waiting_since(case).astimezone(UTC)  # of one time zone, moments are subtracted in half the time
    factors = _factors(case, policy)
    return Weight(turn, factors.fen, since, rules.patience, limit, factors)


def reasons(case: Case, policy: Policy) -> list[Reason]:
    """Return the reasons for a case's place in the queue, as far as they apply, in the order TO_GO or TO_COME, CALL,
    NOT_TAKEN, TALKED.

    The console shows them to operators as "¥80,000 still to go, call in progress".
    """
    found = []
    if going := to_go(case):
        found.append(Reason(Ground.TO_GO, fen=going))
    elif asked := to_come(case, policy):
        found.append(Reason(Ground.TO_COME, fen=asked))
    if case.danger.call_since is not None:
        found.append(Reason(Ground.CALL, at=case.danger.call_since))
    counted = ((Ground.NOT_TAKEN, _unanswered_calls(case)), (Ground.TALKED, talk_count(case)))
    return found + [Reason(ground, times=times) for ground, times in counted if times]


def waiting_since(case: Case) -> datetime:
    """Return the time since which a call of the case has been offered to operators; if none is offered, the time when
    the case was opened.
    """
    return case.offered_at or case.opened_at


def queue_band(case: Case) -> QueueBand:
    """Return the class of the case by who must act on it: SETTLED if the case is settled; else OFFERED if an operator's
    call is on the desk and nobody has claimed the case; else UNDER_WAY.
    """
    if case.settled:
        return QueueBand.SETTLED
    return QueueBand.OFFERED if case.claimed_by is None and operator_call_waits(case) else QueueBand.UNDER_WAY


def waiting_red(case: Case) -> bool:
    """Return True if the case is red and unsettled, nobody has claimed it, and an operator's call is on the desk."""
    return case.level is Level.RED and queue_band(case) is QueueBand.OFFERED


def operator_call_waits(case: Case) -> bool:
    """Return True if an operator's call is on the desk: it was sent and has no final result."""
    return any(step.action is Action.OPERATOR_CALL and step.state is StepState.SENT for step in case.steps)


def untried(case: Case) -> bool:
    """Return True if no operator has called the resident and nobody has met them.

    A case for which this is True may be claimed before its plan asks for an operator. Any other case waits for its
    plan, so that an operator who could not reach a resident does not get the same case again at once.
    """
    return case.desk_call is None and case.met_at is None


def _factors(case: Case, policy: Policy) -> WorthFactors:
    """Return what the expected saving per minute of an operator who takes the case now is computed from."""
    rules, reached = policy.triage, _reached(case, policy.triage)
    persuaded = (
        scam_of(case, policy).persuaded * rules.again ** talk_count(case) * rules.paid ** settled_payment_count(case)
    )
    minutes = call_minutes(reached, rules)
    lost = lost_within(case, rules.horizon, policy)
    return WorthFactors(at_stake(case, policy), lost, rules.horizon, reached, persuaded, minutes)


def call_minutes(reached: float, rules: TriageRules) -> float:
    """Return the minutes that a call takes on average. `reached`: the probability that it is answered."""
    return (reached * rules.talk + (1 - reached) * rules.ring) / _MINUTE


def _reached(case: Case, rules: TriageRules) -> float:
    """Return the probability that the call is answered."""
    return rules.busy if case.danger.call_since is not None else rules.reached * rules.again ** _unanswered_calls(case)


def _unanswered_calls(case: Case) -> int:
    """Return how many calls the resident did not answer, including automated ones."""
    return sum(result in _NOT_TAKEN for step in case.steps if step.action in _CALLS for result in step.results)


def talk_count(case: Case) -> int:
    """Return how many conversations operators had with the resident."""
    calls = (step.results for step in case.steps if step.action is Action.OPERATOR_CALL)
    return sum(result in _TALKED for results in calls for result in results)
