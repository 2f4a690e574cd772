"""The order in which operators take cases: the live rule, simple rules, and one that knows the truth."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from domain.casework import triage
from domain.policy import Policy
from schemas.casework.cases import Case
from simulators.assumptions import figures
from simulators.lab.desk import Dispatcher
from simulators.world.behaviour import Situation, persuades
from simulators.world.province import Province
from simulators.world.truth import Fate

DEFAULT, LEVEL_THEN_AGE, FIRST_COME, ORACLE = "default", "level_then_age", "first_come", "oracle"
TALK, NO_TALK = timedelta(minutes=3), timedelta(seconds=25)  # about the mean of each under these figures
NOBODY = "nobody"  # for comparison: what the others avoid beyond it is due to the operators
_TO_LOSE = (Fate.TO_COME, Fate.IN_FLIGHT)


def default(policy: Policy) -> Dispatcher:
    """Return a dispatcher that orders cases as the live desk does under this policy, the most urgent first. It caches
    the weight of each case until the case changes.
    """
    known: dict[str, tuple[Case, triage.Weight]] = {}  # by resident

    def weight(case: Case) -> triage.Weight:
        found = known.get(case.resident)
        if found is None or found[0] is not case:
            found = known[case.resident] = case, triage.weigh(case, policy)
        return found[1]

    def order(cases: Sequence[Case], now: datetime) -> Sequence[Case]:
        return sorted(cases, key=lambda case: (*weight(case).place(now), case.id))

    return order


def level_then_age(cases: Sequence[Case], now: datetime) -> Sequence[Case]:
    """Return the cases by level, the gravest first, and within a level by age, the oldest first. `now` is not used."""
    return sorted(cases, key=lambda case: (-case.level.rank, case.opened_at, case.id))


def first_come(cases: Sequence[Case], now: datetime) -> Sequence[Case]:
    """Return the cases by age, the oldest first. `now` is not used."""
    return sorted(cases, key=lambda case: (case.opened_at, case.id))


def oracle(province: Province) -> Dispatcher:
    """Return a dispatcher that knows the truth. It puts first the case with the most money (fen) that can still be
    saved per minute of talk, weighted with the probability of reaching and dissuading the victim.

    It knows what everybody would pay, but not the random outcome of a talk.
    """

    def order(cases: Sequence[Case], now: datetime) -> Sequence[Case]:
        return sorted(cases, key=lambda case: (-_worth(province, case, now), case.opened_at, case.id))

    return order


def _worth(province: Province, case: Case, now: datetime) -> float:
    """Return the value of talking to a case's resident now, in fen per minute; 0 if they are in no scam or already
    dissuaded.
    """
    life = province.truth.lives.get(case.resident)
    if life is None or life.persuaded(now):
        return 0.0
    situation = province.contacts.situation(case.id, now)
    if situation.scam_type is None:
        return 0.0
    ends = now + TALK
    to_lose = sum(
        payment.amount_fen
        for payment, fate in province.truth.fates(life, now)
        if fate in _TO_LOSE and payment.settles > ends
    )
    reached = _reached(situation)
    takes = reached * TALK + (1 - reached) * NO_TALK
    return to_lose * reached * persuades(situation) / (takes / timedelta(minutes=1))


def _reached(situation: Situation) -> float:
    free = 1 - figures.BUSY_WITH_SCAMMER if situation.on_the_line else 1.0
    return free * figures.TAKES_OPERATOR


def nobody(cases: Sequence[Case], now: datetime) -> Sequence[Case]:
    """Return no cases, so that operators take none. Messages, automated calls, officers and banks work as usual."""
    return ()


DISPATCHERS: Mapping[str, Callable[[Province, Policy], Dispatcher]] = {
    DEFAULT: lambda province, policy: default(policy),
    LEVEL_THEN_AGE: lambda province, policy: level_then_age,
    FIRST_COME: lambda province, policy: first_come,
    ORACLE: lambda province, policy: oracle(province),
    NOBODY: lambda province, policy: nobody,
}
