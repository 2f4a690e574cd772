"""Moments of residents of a simulated province, with what was known of them and what was true.

A row is a resident at a moment: when there was news about him, and as often somebody at random, of whom mostly nothing
is known. True is: he is in a scam that asks for money, or was until a while ago, so that money can still be stopped.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

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
from simulators.world.memory import Register
from simulators.world.province import SECRET, START, Province
from simulators.world.truth import Truth
from streams.screening.evaluation import profile_of
from streams.screening.subjects import Subjects

# People live at the real pace, but are hooked some thousand times as often, and pay as often as in a teaching hour:
# else a province of this size would have no victim in years. The prior is set right for it afterwards. Assumed.
HOOKED_A_RESIDENT_AND_DAY = 0.01


@dataclass(frozen=True, slots=True)
class World:
    """How many live in a province, and how long it is lived through."""

    residents: int = 3000
    length: timedelta = timedelta(days=10)

    @property
    def pace(self) -> Pace:
        hooked = HOOKED_A_RESIDENT_AND_DAY / DAY_HOURS
        return replace(REAL, stories=lambda residents: residents * hooked, depths=figures.DEPTHS)


@dataclass(frozen=True, slots=True)
class Row:
    """`worth`: by what each of the policy's bits is multiplied. `odds`: of each policy asked for, in bits.

    `news`: something new was known at that moment; else the resident was picked at random.
    """

    at: datetime
    worth: Mapping[str, float]
    odds: tuple[float, ...]
    scam: bool
    news: bool


def lived(seed: int, rules: RiskRules, beside: Sequence[RiskRules], world: World) -> list[Row]:
    """The rows of a province in which nobody is warned. `rules` say what is evidence; odds are of them and `beside`."""
    province = Province(seed, world.residents, START, world.pace, SECRET)
    rows: list[Row] = []
    moments = _Moments(province, (rules, *beside), rows)
    side = Side(rules, Register(province.people), Subjects(SECRET), looked=moments.looked)
    moments.side = side

    async def take() -> None:
        for items in batches(_told(province, START + world.length)):
            await side.take(items)

    asyncio.run(take())
    return rows


def in_a_scam(truth: Truth, resident: ResidentId, at: datetime, stoppable: timedelta) -> bool:
    """Whether the resident is in a scam that asks for money, or was until `stoppable` ago."""
    life = truth.lives.get(resident)
    if life is None or not life.story.payments:
        return False
    last = max(payment.settles for payment in life.story.payments)
    return life.story.begins <= at <= last + stoppable


class _Moments:
    """Takes a row of who there is news about, and one of somebody else."""

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
        return Row(at, worth(scene), odds, scam, news)


def _odds(scene: Scene) -> float:
    """As the policy has them."""
    return scene.rules.prior + evidence_bits(scene) + profile_bits(scene)


def _told(province: Province, until: datetime) -> Iterator[Signal]:
    """What the feeds tell, each signal with the moment when it was told."""
    now = province.start
    while now < until:
        now = min(province.next_at(), until)
        for signal in province.signals_until(now):
            yield signal.model_copy(update={"arrived": now})
