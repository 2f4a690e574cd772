"""The cases of an operators' desk in the calibrated province, with the truth behind each: the scams of the real pace
and false alarms, each with the alerts that screening raises.

The product's own screening raises them, one person at a time. Two things are left out: a victim's everyday signals, and
accounts and telephones that another case has confirmed.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from domain.ids import short_hash
from domain.policy.risk import RiskRules
from schemas.casework.inputs import Alert
from schemas.people.residents import Resident
from schemas.risk.signals import App, AppKind, Signal
from simulators.assumptions.chance import stream
from simulators.assumptions.pace import DAY_HOURS, REAL
from simulators.lab.screening import Screening
from simulators.population.census import Census
from simulators.scams.ordinary import APPWATCH
from simulators.scams.schedule import scam_hours
from simulators.scams.story import Story
from simulators.world.province import SECRET, START
from simulators.world.traces import moments, trace
from simulators.world.truth import Life, Truth

_KINDS = (AppKind.LOAN, AppKind.SHOPPING, AppKind.OTHER)


@dataclass(frozen=True, slots=True)
class RaisedPerson:
    """A person about whom screening raises alerts. `story`: their scam, or None for a false alarm; `alerts`: in order
    of time, as they come if nobody intervenes.
    """

    who: Resident
    story: Story | None
    alerts: tuple[Alert, ...]


def arrivals(
    seed: int, residents: int, days: int, false_a_day: float, rules: RiskRules, oversampled: float = 1
) -> list[RaisedPerson]:
    """Return the people about whom alerts come within `days` days, in no fixed order. Equal arguments give equal
    people.

    `residents`: of the district, whose scams have the calibrated number, kinds, victims and pace. In `oversampled`
    times as many as in reality the victim pays, because else too few do to measure with. `false_a_day`: mean number a
    day of people whose one visit of a suspicious site is not part of a scam. Raises ValueError if more would pay than
    are hooked.
    """
    census = Census(seed, residents, START.date())
    pays = oversampled * REAL.depths["pays"]
    if pays > 1:
        raise ValueError("more would pay than are hooked")
    others = (1 - pays) / (1 - REAL.depths["pays"])
    depths = {name: share * others for name, share in REAL.depths.items()} | {"pays": pays}
    pace = replace(REAL, depths=depths)
    hours = islice(scam_hours(seed, census.at_risk(), residents, START, pace), days * DAY_HOURS)
    stories = {story.victim.id: story for hour in hours for story in hour.stories}
    chance = stream(seed, "false alarms")
    drawn = [census.resident(chance.randrange(residents)) for _ in range(round(false_a_day * days))]
    wrong = {who.id: who for who in drawn if who.id not in stories}
    visits = [
        _visit(who, START + timedelta(days=days * chance.random()), chance.choice(_KINDS)) for who in wrong.values()
    ]
    people = [*(story.victim for story in stories.values()), *wrong.values()]
    signals = [pair for story in stories.values() for pair in _signals(story)]
    raised = _screened(people, [*signals, *((visit.at, visit) for visit in visits)], rules)
    return [RaisedPerson(who, stories.get(who.id), tuple(raised[who.id])) for who in people if who.id in raised]


def _screened(
    people: Sequence[Resident], signals: list[tuple[datetime, Signal]], rules: RiskRules
) -> dict[str, list[Alert]]:
    screening, raised = Screening(people, rules, SECRET), defaultdict(list)
    for at, signal in sorted(signals, key=lambda pair: (pair[0], pair[1].id)):
        for alert in screening.screen(signal, at):
            raised[alert.resident].append(alert)
    return raised


def _signals(story: Story) -> Iterator[tuple[datetime, Signal]]:
    """Yield the signals that a scam leaves if nobody intervenes, and when each comes."""
    life = Life(story)
    truth = Truth({story.victim.id: life})
    for beat in story.events:
        for at in moments(beat):
            if (signal := trace(life, beat, at, truth)) is not None:
                yield at, signal


def _visit(who: Resident, at: datetime, kind: AppKind) -> App:
    name = short_hash("curious", who.id)
    return App(source=APPWATCH, id=name, at=at, phone=who.phones[0].value, app_kind=kind, target=f"{name[:8]}.example")
