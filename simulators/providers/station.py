"""A simulated police station: sends a task to an officer's telephone, and reports the officer's acts."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from schemas.casework.acts import OutcomeAct
from schemas.casework.inputs import Checklist, VisitStage
from schemas.levels import Action, Outcome
from simulators.providers.base import Contact, Receipt, RefusedError, SimulatedProvider
from streams.channels.provider import Kind
from streams.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Errand:
    """A visit as the officer gets it. `dispatch`: the order's id; `officer`, `resident`: their ids; `division`: the
    code of the destination; `level`: the case's.
    """

    dispatch: str
    officer: str
    resident: str
    division: str
    level: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A report of an officer. `after`: the delay since the task; `outcome`, `checklist`: of the conversation, None
    before its end; a report DONE without a checklist counts as one in which all is done; `note`: the officer's words.
    """

    after: timedelta
    stage: VisitStage
    outcome: OutcomeAct | None = None
    checklist: Checklist | None = None
    note: str = ""


Visiting = Callable[[Errand, datetime], Awaitable[Sequence[Stage]]]
"""How an officer behaves: `visit(errand, now)` returns the reports. After a refusal there are none."""

ALL_DONE = Checklist(**dict.fromkeys(Checklist.model_fields, True))
JOINED = "visit_joined"  # log entry of a resident added to a task
REFUSES, AWAY = 0.06, 0.12  # assumed
OUTCOMES = {
    Outcome.DISSUADED: 0.75, Outcome.NOT_PERSUADED: 0.12, Outcome.FALSE_ALARM: 0.08, Outcome.ALREADY_DEFRAUDED: 0.05,
}  # fmt: skip  # assumed


def by_chance(seed: int) -> Visiting:
    """Return an async function that returns an officer's reports of a random visit, in order of time. With the same
    seed, the same dispatch always gets the same reports.
    """

    async def visit(errand: Errand, now: datetime) -> Sequence[Stage]:
        chance = Random(f"{seed}:{errand.dispatch}")
        answered = timedelta(seconds=chance.uniform(20, 90))
        if chance.random() < REFUSES:
            return [Stage(answered, VisitStage.REFUSED, note="on another call")]
        arrived = answered + timedelta(minutes=chance.uniform(6, 20))
        way = [
            Stage(answered, VisitStage.ACCEPTED),
            Stage(answered + timedelta(minutes=1), VisitStage.ON_THE_WAY),
            Stage(arrived, VisitStage.ARRIVED),
        ]
        if chance.random() < AWAY:
            return [*way, Stage(arrived + timedelta(minutes=5), VisitStage.NOT_AT_HOME)]
        outcome = OutcomeAct(outcome=chance.choices([*OUTCOMES], [*OUTCOMES.values()])[0])
        return [*way, Stage(arrived + timedelta(minutes=chance.uniform(10, 30)), VisitStage.DONE, outcome)]

    return visit


class Station(SimulatedProvider):
    """A simulated police station: `POST /tasks` accepts visits for an officer. `visit`: how officers behave; None: at
    random.
    """

    def __init__(
        self,
        clock: Clock,
        receipts_url: str,
        keys: Mapping[str, bytes],
        mode: Kind = Kind.IDEMPOTENT,
        visit: Visiting | None = None,
    ) -> None:
        super().__init__(clock, receipts_url, keys, mode)
        self._visit = visit or by_chance(0)

    def paths(self) -> dict[str, str]:
        """Return the webhook of the only path: `station` for `/tasks`."""
        return {"/tasks": "station"}

    def contact(self, key: str, path: str, order: dict[str, Any]) -> Contact:
        """Return the log entry of a task. If the order names another task (`joins`), its action is JOINED: the resident
        is added to that task, and no other officer is sent. `key`: the dispatch's id; `path` is not used.

        Raises RefusedError if the task to join does not exist, and KeyError if a field of the order is missing.
        """
        if (joins := order.get("joins")) is not None and joins not in self._seen:
            raise RefusedError("there is no such task to join")
        action = Action.VISIT.value if joins is None else JOINED
        return Contact(key, action, order["officer"], self.clock.now().isoformat(), order["because"])

    async def later(self, key: str, path: str, order: dict[str, Any], now: datetime) -> Sequence[Receipt]:
        """Return the officer's reports on a task as receipts, each as (delay after `now`, JSON); empty for a visit that
        joins another task. `key`: the dispatch's id; `path` is not used. Raises KeyError if a field of the order is
        missing.
        """
        if "joins" in order:  # the officer reports on the task that it joins
            return []
        errand = Errand(key, order["officer"], order["resident"], order["division"], order["level"])
        return [(stage.after, _told(errand, stage)) for stage in await self._visit(errand, now)]


def _told(errand: Errand, stage: Stage) -> dict[str, Any]:
    told: dict[str, Any] = {"officer": errand.officer, "stage": stage.stage.value, "detail": stage.note}
    if stage.stage is VisitStage.ARRIVED:
        told["place"] = errand.division
    if stage.stage is VisitStage.DONE:
        told["checklist"] = (stage.checklist or ALL_DONE).model_dump()
    if stage.outcome:
        told["outcome"] = stage.outcome.model_dump(mode="json")
    return told
