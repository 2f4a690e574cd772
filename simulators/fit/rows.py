"""Training data: residents of a simulated province at moments, with the known evidence and the truth.

A row is a resident at a moment: each time there is new evidence about them, and as often a random resident, mostly
without evidence. The truth is whether they are in a scam that asks for money, or were until recently, so that money can
still be stopped.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from domain.policy.risk import RiskRules
from domain.risk.scams import profile_bits
from domain.risk.weigh import Scene, evidence_bits
from schemas.people.residents import Resident, ResidentId
from schemas.risk.signals import Signal
from simulators.assumptions import figures
from simulators.assumptions.chance import stream
from simulators.assumptions.pace import DAY_HOURS, REAL, Pace
from simulators.backtest.side import Side, batches
from simulators.fit.worth import worth
from simulators.scams.story import Phase, Story
from simulators.world.memory import Register
from simulators.world.province import SECRET, START, Province
from simulators.world.truth import Truth
from streams.screening.evaluation import profile_of
from streams.screening.subjects import Subjects

# The pace is real, but people are hooked about a thousand times as often, and pay as often as in a teaching hour:
# otherwise a province of this size would have no victim for years. The prior is corrected afterwards. Assumed.
HOOKED_A_RESIDENT_AND_DAY = 0.01
OFTEN = replace(
    REAL,
    stories=lambda residents: residents * HOOKED_A_RESIDENT_AND_DAY / DAY_HOURS,
    depths=figures.DEPTHS,
)
"""The real pace with far more scams. The same share of them asks for money as in the compressed pace."""


@dataclass(frozen=True, slots=True)
class World:
    """The size of a simulated province: its number of residents, and the simulated time; and how often scams begin."""

    residents: int = 3000
    length: timedelta = timedelta(days=10)
    pace: Pace = OFTEN


class Depth(StrEnum):
    """How far a resident's scam goes: not hooked at all, or as in `Pace.depths`: hooked only, courted without being
    asked for money, or asked for money, which they pay if nobody warns them.
    """

    NOT_HOOKED = "not_hooked"
    TOUCHED = "touched"
    COURTED = "courted"
    PAYS = "pays"


@dataclass(frozen=True, slots=True)
class Hooked:
    """The scam of a resident. They are in it from `begins` to `until`, both included: until its last event, or its last
    payment if there is one, and as much longer as a payment can be stopped. `paid`: when the last payment settles, not
    counting a later recovery scam; None if none is asked for.
    """

    depth: Depth
    begins: datetime
    until: datetime
    paid: datetime | None


@dataclass(frozen=True, slots=True)
class Row:
    """A resident at a moment. `worth`: by name, what each of the policy's bits is multiplied by; 0 if missing. `odds`:
    log-odds in bits by each policy, the prior included.

    `scam`: the truth: the resident is in a scam that asks for money, or its last payment can still be stopped. `news`:
    there was new evidence about them at that moment; else the resident was picked at random. `resident`: their id.
    """

    at: datetime
    worth: Mapping[str, float]
    odds: tuple[float, ...]
    scam: bool
    news: bool
    resident: ResidentId


@dataclass(frozen=True, slots=True)
class Lived:
    """A simulated province. `rows`: in order of time; `hooked`: the scams that began, by their victim; `world`: its
    size. `until`: when the simulated time ended.
    """

    rows: Sequence[Row]
    hooked: Mapping[ResidentId, Hooked]
    world: World
    until: datetime


def simulate_rows(seed: int, rules: RiskRules, beside: Sequence[RiskRules], world: World) -> Lived:
    """Simulate the province of `seed` with nobody warned.

    `rules` decide what counts as evidence. Each row's log-odds are those under `rules` first, then under each element
    of `beside`.
    """
    province = Province(seed, world.residents, START, world.pace, SECRET)
    rows: list[Row] = []
    moments = _Moments(province, (rules, *beside), rows)
    side = Side(rules, Register(province.people), Subjects(SECRET), looked=moments.looked)
    moments.side = side
    until = START + world.length

    async def take() -> None:
        for items in batches(_told(province, until)):
            await side.take(items)

    asyncio.run(take())
    stories = (life.story for life in province.truth.lives.values())
    hooked = {story.victim.id: _hooked(story, rules.money.window) for story in stories if story.begins <= until}
    return Lived(rows, hooked, world, until)


def in_a_scam(truth: Truth, resident: ResidentId, at: datetime, stoppable: timedelta) -> bool:
    """Return True if the resident is, at the time `at`, in a scam that asks for money: from the scam's beginning until
    `stoppable` after its last payment settles, both included. Return False for residents without a scam, and for scams
    that never ask for money.
    """
    life = truth.lives.get(resident)
    if life is None or not life.story.payments:
        return False
    hooked = _hooked(life.story, stoppable)
    return hooked.begins <= at <= hooked.until


def _hooked(story: Story, stoppable: timedelta) -> Hooked:
    if payments := story.payments:
        until = max(payment.settles for payment in payments) + stoppable
        paid = max(payment.settles for payment in payments if payment.phase is not Phase.AFTER)
        return Hooked(Depth.PAYS, story.begins, until, paid)
    courted = any(beat.phase is not Phase.HOOK for beat in story.events)
    return Hooked(Depth.COURTED if courted else Depth.TOUCHED, story.begins, story.ends + stoppable, None)


class _Moments:
    """Adds a row for each resident with new evidence, and each time one for a random resident."""

    side: Side

    def __init__(self, province: Province, rules: Sequence[RiskRules], rows: list[Row]) -> None:
        self._province, self._rules, self._rows = province, rules, rows
        self._people = {resident.id: resident for resident in province.people}
        self._chance = stream(province.seed, "moments")

    def looked(self, at: datetime, resident: ResidentId) -> None:
        self._rows.append(self._row(at, self._people[resident], news=True))
        self._rows.append(self._row(at, self._chance.choice(self._province.people), news=False))

    def _row(self, at: datetime, resident: Resident, *, news: bool) -> Row:
        known = self.side.known.get(resident.id)
        members = [each for each in known.evidence.values() if not each.withdrawn] if known else []
        ordered = tuple(sorted(members, key=lambda each: (each.at, each.id)))
        scene = Scene(ordered, profile_of(resident, at), self._rules[0], at, None)
        scam = in_a_scam(self._province.truth, resident.id, at, self._rules[0].money.window)
        odds = tuple(_odds(replace(scene, rules=rules)) for rules in self._rules)
        return Row(at, worth(scene), odds, scam, news, resident.id)


def _odds(scene: Scene) -> float:
    """Return the policy's log-odds in bits."""
    return scene.rules.prior + evidence_bits(scene) + profile_bits(scene)


def _told(province: Province, until: datetime) -> Iterator[Signal]:
    """Yield the feeds' signals, with the time at which each is sent as its arrival."""
    now = province.start
    while now < until:
        now = min(province.next_at(), until)
        for signal in province.signals_until(now):
            yield signal.model_copy(update={"arrived": now})
