"""What a round does, all of it drawn from its seed: the servers, the workers, the carriers' promises, the faults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from schemas.levels import Channel
from streams.channels.provider import Kind
from tests.tools.chaos.faults import KINDS, gateway, vault, voice
from tests.tools.chaos.faults.base import Fault
from tests.tools.chaos.houses import House

LENGTH = 9.0  # wall seconds of province
FIRST, LAST = 1.0, 7.5  # when a fault may begin, in wall seconds from the province's first signal
EARLY = 3.0  # when one that takes long begins at the latest
MORE = (0, 1, 1, 2)  # how many faults come beside the first
CROWDED = 5  # faults of a round that is to strike what others struck least
SEALED = 0.5  # of the rounds, beside those in which the vault is struck
DRAWN = [fault for fault in KINDS.values() if fault.drawn]
CHANNELS = {
    Channel.SMS.value: "SMS",
    Channel.PHONE.value: "VOICE",
    Channel.PAYMENT.value: "BANK",
    Channel.VISIT.value: "STATION",
}


@dataclass(frozen=True, slots=True)
class Stroke:
    """One fault of a round: what, when, and the seed of its own chances."""

    kind: str
    at: float
    seed: str

    @property
    def fault(self) -> Fault:
        return KINDS[self.kind]


@dataclass(frozen=True, slots=True)
class Plan:
    """One round. `mutation`: a product made worse on purpose, to see that it is seen; `sealed`: with a vault."""

    seed: int
    house: House
    workers: int
    kinds: dict[str, Kind]  # by provider: what it promises
    strokes: tuple[Stroke, ...]
    sealed: bool = False
    mutation: str | None = None

    @property
    def by_gateway(self) -> bool:
        """Whether text messages go through the SMS gateway: a fault strikes it."""
        return any(stroke.fault in gateway.FAULTS for stroke in self.strokes)

    @property
    def by_voice_gateway(self) -> bool:
        """Whether automated calls go through the voice gateway: a fault strikes it."""
        return any(stroke.fault in voice.FAULTS for stroke in self.strokes)

    @property
    def promised(self) -> dict[str, Kind]:
        """By the channel of a dispatch."""
        return {name: self.kinds[channel] for name, channel in CHANNELS.items()}


def drawn(seed: int, kinds: Sequence[str] = ()) -> Plan:
    """A round's plan. Of as many rounds in a row as there are kinds, each kind is one's first fault.

    `kinds`: these faults, which some house allows together, and no others beside them.
    """
    chance = Random(seed)
    asked = [KINDS[kind] for kind in kinds]
    first = asked[0] if asked else DRAWN[seed % len(DRAWN)]
    houses = frozenset.intersection(*(fault.houses for fault in asked or [first]))
    house = House.REDIS if House.REDIS in houses and chance.random() < 0.9 else _other(houses)
    chosen = asked or [first, *_more(first, house, chance)]
    return Plan(
        seed=seed,
        house=house,
        workers=chance.choice([2, 2, 3]),
        kinds=_promised(chance, by_gateway=any(each in gateway.FAULTS + voice.FAULTS for each in chosen)),
        strokes=tuple(sorted((stroke(fault, seed, chance) for fault in chosen), key=lambda each: each.at)),
        sealed=house is not House.EMBEDDED
        and (chance.random() < SEALED or any(each in vault.FAULTS for each in chosen)),
    )


def stroke(fault: Fault, seed: int, chance: Random) -> Stroke:
    """A fault at a random moment."""
    return Stroke(fault.kind, round(chance.uniform(FIRST, EARLY if fault.early else LAST), 2), f"{seed}:{fault.kind}")


def _promised(chance: Random, *, by_gateway: bool) -> dict[str, Kind]:
    carrier, bank, station = chance.choices(list(Kind), k=3)
    if by_gateway:
        carrier = Kind.IDEMPOTENT  # as docs/how-to/sms-gateway.md and voice-gateway.md say
    return {"SMS": carrier, "VOICE": carrier, "BANK": bank, "STATION": station}  # one simulated carrier has both


def rarest(struck: Mapping[str, int], times: int, seed: int) -> tuple[str, ...]:
    """Up to five kinds that have struck least, one of a group. Empty when each has struck `times` times.

    `struck`: how often each kind has by now.
    """
    waiting = [fault for fault in DRAWN if struck.get(fault.kind, 0) < times]
    Random(seed).shuffle(waiting)
    chosen: list[Fault] = []
    for fault in sorted(waiting, key=lambda each: struck.get(each.kind, 0)):
        together = [*chosen, fault]
        if _fit(together):
            chosen = together
    return tuple(fault.kind for fault in chosen[:CROWDED])


def _fit(faults: Sequence[Fault]) -> bool:
    """Whether one round can have them all."""
    return len({fault.group for fault in faults}) == len(faults) and bool(
        frozenset.intersection(*(fault.houses for fault in faults))
    )


def _other(houses: frozenset[House]) -> House:
    return next((house for house in (House.SENTINEL, House.EMBEDDED) if house in houses), House.REDIS)


def _more(first: Fault, house: House, chance: Random) -> list[Fault]:
    chosen: list[Fault] = []
    fitting = [fault for fault in DRAWN if house in fault.houses]
    for fault in chance.sample(fitting, len(fitting)):
        if fault.group not in {first.group, *(each.group for each in chosen)}:
            chosen.append(fault)
    return chosen[: chance.choice(MORE)]
