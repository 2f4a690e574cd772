"""A schedule: what happens when, as plain data. A seed draws one, a file keeps one, a shorter one can be tried."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Self

import orjson

from tests.simulation.checkpointing import checkpoints
from tests.simulation.simulated.prepare import RESIDENTS
from tests.simulation.simulated.providers import CHANNELS, FAULTS
from tests.simulation.themes import themes, unasked_story

FAULTS_END = 9.0  # seconds: no fault is drawn to happen later
OFTEN_HIT = ("case-inputs", "dispatches.red", "dispatches.sms", "signals-urgent", "cover")
PARTS = ("", "", *OFTEN_HIT, "case-inputs", "watch", "outside-inputs")
FROZEN = (*OFTEN_HIT, "case-inputs", "dispatches.red", "outside-inputs")
MOVED = 0.1  # of the schedules have partitions that move while the providers are slow
OVERTAKEN = 0.1  # of the schedules have inputs that are deleted, once acknowledged, while their work is held up
APPROVED = 0.5  # of the schedules have a stop desk that approves orders
AGED = 0.1  # of the schedules have evidence that outlives its signal, in a Redis that is lost
UNPUBLISHED = 0.15  # of the schedules kill a worker about when it commits, and Redis is lost after the next commit
DEPOSED = 0.1  # of the schedules have a worker that is late with an input, on a primary that was replaced
UNREPORTED = 0.15  # of the schedules freeze a worker after its request, and Redis is lost after the receipt
COMPACTED = 0.1  # of the schedules have a worker that stands still before topics are compacted and Redis is lost
LATE = 0.06  # of the schedules have a change of a table whose record comes late
LATER_SIGNALS = 900  # the signals of these are numbered from here on
COMPACTED_SIGNALS = 950
SERVERS = ("redis", "kafka", *CHANNELS)


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens at a time, in seconds from the beginning. `what`: its details."""

    at: float
    do: str
    what: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Schedule:
    """All that decides what a run does: the same schedule runs the same way each time.

    `seed`: of chance within the run (latencies, the next task). `swaps`: how often the next task is drawn.
    `idempotent`: whether the producers are.
    """

    seed: int
    workers: int
    swaps: float
    idempotent: bool
    promises: dict[str, str]
    steps: tuple[Step, ...]

    def with_steps(self, steps: Sequence[Step]) -> Self:
        return replace(self, steps=tuple(steps))

    def json(self) -> bytes:
        return orjson.dumps(self, option=orjson.OPT_INDENT_2)

    @classmethod
    def read(cls, raw: bytes) -> Self:
        told = orjson.loads(raw)
        return cls(**{**told, "steps": tuple(Step(**step) for step in told["steps"])})


def drawn(seed: int) -> Schedule:
    """The schedule of a seed."""
    random = Random(seed)
    workers = random.choice((2, 2, 3))
    promises = {channel: random.choice(("idempotent", "idempotent", "askable", "neither")) for channel in CHANNELS}
    drawing = _Drawing(random, workers)
    steps = [*drawing.feeds(), *drawing.people()]
    for _ in range(random.choice((0, 1, 1, 2, 2, 3, 3, 4, 5))):
        steps += drawing.fault()
    swaps, idempotent = random.choice((0.0, 0.05, 0.3, 1.0)), random.random() < 0.7
    if random.random() > 1 - MOVED:  # drawn last: the other schedules stay as they are
        steps += drawing.moved()
    # drawn after all others, for the same reason
    orders = ((OVERTAKEN, drawing.overtaken), (APPROVED, drawing.approved), (AGED, drawing.aged))
    for share, order in (*orders, (UNPUBLISHED, drawing.unpublished), (UNREPORTED, drawing.unreported)):
        if random.random() < share:
            steps += order()
    if random.random() < COMPACTED:
        steps += drawing.compacted()
    if random.random() < LATE:
        steps += drawing.late()
    if random.random() < DEPOSED:
        steps += drawing.deposed()
        promises = {channel: random.choice(("askable", "neither")) for channel in CHANNELS}
    names = [f"w{number}" for number in range(1, workers + 1)]
    steps += [Step(*each) for each in (*themes(seed), *checkpoints(seed, names))]
    ordered = sorted(steps, key=lambda step: (step.at, step.do))
    return Schedule(seed, workers, swaps, idempotent, promises, tuple(ordered))


def themed(seed: int, theme: str) -> Schedule:
    """The schedule of a seed that has only what a theme of THEMES is about, and up to two faults."""
    random = Random(f"{theme} of {seed}")
    workers, idempotent = random.choice((2, 2, 3)), random.random() < 0.7
    promises = {channel: random.choice(("idempotent", "askable", "neither")) for channel in CHANNELS}
    drawing = _Drawing(random, workers)
    steps = THEMES[theme](drawing)
    for _ in range(random.choice((0, 1, 1, 2))):
        steps += drawing.fault()
    ordered = sorted(steps, key=lambda step: (step.at, step.do))
    return Schedule(seed, workers, random.choice((0.0, 0.05, 0.3, 1.0)), idempotent, promises, tuple(ordered))


class _Drawing:
    """Draws the steps of one schedule."""

    def __init__(self, random: Random, workers: int) -> None:
        self._random = random
        self._names = [f"w{number}" for number in range(1, workers + 1)]
        self._busy = [0.0]  # when something is fed: faults come close to that
        self._kinds: list[tuple[int, Callable[[float], list[Step]]]] = [
            (6, self._kill),
            (4, self._crash),
            (5, self._freeze),
            (6, self._cut),
            (3, self._wipe),
            (2, self._older),
            (2, self._failover),
            (2, self._split),
            (2, self._clock),
            (2, self._retention),
            (1, self._poison),
            (4, self._provider),
        ]

    def feeds(self) -> list[Step]:
        """Signals, some of them sent again."""
        steps, number = [], 0
        for _ in range(self._random.choice((1, 2, 2, 3, 4))):
            at = self._time(0.3, 6.0)
            self._busy.append(at)
            for signals in self._story():
                signals = [{**signal, "n": (number := number + 1)} for signal in signals]
                steps.append(Step(at, "signals", {"signals": signals}))
                if self._random.random() < 0.15:
                    steps.append(Step(at + self._time(0.0, 2.0), "signals", {"signals": signals[::-1]}))
                at += self._random.choice((0.0, 0.0, 0.2, 1.0)) * self._random.random()
        return steps

    def _story(self) -> list[list[dict[str, Any]]]:
        """What happens to one resident: records, each of some signals."""
        who, payee = self._random.randrange(RESIDENTS), 200 + self._random.randrange(3)
        match self._random.choice(("sms", "app", "long", "red", "red", "red", "watch")):
            case "red":
                call, pays = {"kind": "ongoing", "who": who}, {"kind": "transfer", "who": who, "payee": payee}
                return [[call, pays]] if self._random.random() < 0.5 else [[call], [pays]]
            case "watch":
                pays, told = (
                    {"kind": "transfer", "who": who, "payee": payee},
                    {"kind": "watch", "who": 0, "payee": payee},
                )
                return [[pays], [told]] if self._random.random() < 0.5 else [[told], [pays]]
            case kind:
                return [[{"kind": kind, "who": who}]]

    def people(self) -> list[Step]:
        """Operators who dissuade."""
        return [
            Step(self._time(2.0, FAULTS_END), "dissuade", {"who": self._random.randrange(RESIDENTS), "n": number})
            for number in range(self._random.choice((0, 0, 1, 2)))
        ]

    def approved(self) -> list[Step]:
        """The stop desk, which looks at each resident's orders several times, also beyond the last fault."""
        times = (round(FAULTS_END + number + self._random.random(), 3) for number in range(4))
        return [Step(at, "approve", {"who": who, "n": n}) for n, at in enumerate(times) for who in range(RESIDENTS)]

    def fault(self) -> list[Step]:
        """A fault, or two that belong together; mostly soon after something was fed."""
        weights = [weight for weight, _ in self._kinds]
        _, kind = self._random.choices(self._kinds, weights)[0]
        at = self._random.choice(self._busy) + self._random.random() ** 2 * 3.0 if self._random.random() < 0.7 else 0.0
        return kind(round(at, 3) or self._time(0.5, FAULTS_END - 1))

    def moved(self) -> list[Step]:
        """Partitions move while requests are under way: two workers have one dispatch at once, and neither failed."""
        at = self._random.choice(self._busy)
        slow = [Step(at, "provider", {"channel": channel, "faults": ["slow"] * 4}) for channel in CHANNELS]
        times = (round(at + 0.4 * (number + self._random.random()), 3) for number in range(3))
        return [*slow, *(Step(each, "rebalance") for each in times)]

    def overtaken(self) -> list[Step]:
        """Redis is another all at once, and while all wait for its epoch, what is acknowledged is no longer kept."""
        at = round(self._random.choice(self._busy[1:]) + 0.1 * self._random.random(), 3)
        change = self._random.choice((self._older, self._failover))(at)
        deleted = round(at + 0.4 + self._random.random(), 3)
        return [*change, *(Step(deleted, "retention", {"topic": topic}) for topic in ("case-inputs", "dispatches.red"))]

    def aged(self) -> list[Step]:
        """Kafka deletes a call's signal, Redis is wiped, and the resident pays: call and payment together are red."""
        who, payee, at = self._random.randrange(RESIDENTS), 200 + self._random.randrange(3), self._time(0.3, 3.0)
        call = {"kind": "ongoing", "who": who, "n": LATER_SIGNALS}
        pays = {"kind": "transfer", "who": who, "payee": payee, "n": LATER_SIGNALS + 1}
        deleted = round(at + 1.0 + self._random.random(), 3)
        wiped = round(deleted + 0.2 + self._random.random(), 3)
        return [
            Step(at, "signals", {"signals": [call]}),
            *(Step(deleted, "retention", {"topic": topic}) for topic in ("signals", "signals-urgent")),
            *self._wipe(wiped),
            Step(round(wiped + 0.2 + 2.0 * self._random.random(), 3), "signals", {"signals": [pays]}),
        ]

    def unpublished(self) -> list[Step]:
        """A worker dies between its commit and its publishing; another commits the next input; Redis is wiped."""
        who, payee, at = self._random.randrange(RESIDENTS), 200 + self._random.randrange(3), self._time(0.3, 3.0)
        call = {"kind": "ongoing", "who": who, "n": LATER_SIGNALS + 2}
        pays = {"kind": "transfer", "who": who, "payee": payee, "n": LATER_SIGNALS + 3}
        trap = {"worker": self._worker(), "of": "case-inputs", "after": self._random.randrange(2, 8)}
        then = round(at + 0.3 + 1.5 * self._random.random(), 3)
        return [
            Step(at, "kill_at_message", {**trap, "restart": self._restart()}),
            Step(at, "signals", {"signals": [call]}),
            Step(then, "signals", {"signals": [pays]}),
            *self._wipe(round(then + 0.5 + 2.0 * self._random.random(), 3)),
        ]

    def compacted(self) -> list[Step]:
        """A suspect is reported, confirmed and taken off the list, and payments to the account go on, while a worker
        stands still; then the topics are compacted, Redis is lost, and somebody pays again.
        """
        who, payee, at = self._random.randrange(RESIDENTS), 200 + self._random.randrange(3), self._time(0.3, 2.0)
        pays = {"kind": "transfer", "who": who, "payee": payee, "state": "attempted", "n": COMPACTED_SIGNALS}
        told: list[dict[str, Any]] = [
            {"kind": "victim", "who": self._random.randrange(RESIDENTS), "payee": payee},
            *({"kind": "watch", "who": 0, "payee": payee, "state": state} for state in ("confirmed", "lifted")),
            {**pays, "state": "pending", "of": COMPACTED_SIGNALS},
            {**pays, "state": "settled", "of": COMPACTED_SIGNALS},
        ]
        self._random.shuffle(told)
        steps, moment = [Step(at, "signals", {"signals": [pays]})], at
        for number, each in enumerate(told[: self._random.randint(2, 5)], COMPACTED_SIGNALS + 1):
            moment = round(moment + self._random.choice((0.05, 0.3, 1.5)) * self._random.random(), 3)
            steps.append(Step(moment, "signals", {"signals": [{**each, "n": number}]}))
        for _ in range(self._random.choice((1, 1, 2))):
            # Between the writing to Redis and to the topic, which is the 15th to 23rd message of a batch.
            stands = {"of": "signals-urgent", "after": self._random.randrange(9, 24), "lasts": self._time(1.8, 5.0)}
            begins = self._random.choice(steps).at
            steps.append(Step(begins, "freeze", {"worker": self._worker(), **stands}))
        end = round(moment + self._time(2.0, 6.0), 3)
        again = {"kind": "transfer", "who": (who + 1) % RESIDENTS, "payee": payee, "n": COMPACTED_SIGNALS + 8}
        steps += [Step(end, "compact"), *self._wipe(round(end + 0.1, 3))]
        return [*steps, Step(round(end + 0.1 + 2.0 * self._random.random(), 3), "signals", {"signals": [again]})]

    def late(self) -> list[Step]:
        """An office is cut off from Kafka while it changes a record, and gives up; another changes it meanwhile; the
        first one's record comes late. Perhaps its process dies then, the topics are compacted, and Redis is lost.
        """
        name, at = self._random.choice(("place-1", "place-2")), self._time(0.5, 2.0)
        first, second = self._random.choice((("office-1", "office-2"), ("office-2", "office-1")))
        # Longer than a writer waits, or not.
        lasts = self._time(0.5, 4.5)
        steps = [
            Step(round(at - 0.2, 3), "change", {"office": first, "name": name, "n": 1}),
            Step(round(at + 0.1, 3), "cut", {"worker": first, "server": "kafka", "ways": ["out"], "lasts": lasts}),
            Step(round(at + 0.2, 3), "change", {"office": first, "name": name, "n": 2}),
        ]
        for number in range(self._random.choice((1, 1, 2))):
            then = round(at + 0.3 + self._random.random() * lasts, 3)
            steps.append(Step(then, "change", {"office": second, "name": name, "n": 3 + number}))
        healed = round(at + 0.1 + lasts, 3)
        if self._random.random() < 0.3:
            steps.append(Step(round(healed + self._random.random(), 3), "kill", {"worker": first}))
        if self._random.random() < 0.5:
            end = round(healed + self._time(0.0, 3.0), 3)
            steps += [Step(end, "compact"), *self._wipe(round(end + 0.1, 3))]
        return steps

    def checkpointed(self) -> list[Step]:
        """What feeds and people do, and checkpoints at which things go wrong."""
        drawn_by = self._random.randrange(1 << 32)
        found = [*self.feeds(), *self.people()]
        return [*found, *(Step(*each) for each in checkpoints(drawn_by, self._names, share=1.0))]

    def unasked(self) -> list[Step]:
        """Banks and carriers answer what was never sent."""
        return [Step(*each) for each in unasked_story(self._random)]

    def deposed(self) -> list[Step]:
        """A worker stays with the replaced primary while residents are alerted, and only the epoch tells it.

        It stands in there for the others, who work on the new primary: each of them decides the same inputs and
        deadlines, and does not see the others' in the journal if both are at it at once, or if the worker is frozen
        while its commit is on its way.
        """
        worker, at = self._worker(), self._time(0.3, 3.0)
        then = round(at + 1.5 + self._random.random(), 3)  # by then each side finds the other silent
        steps = [Step(at, "split", {"lag": 0.0, "old": [worker], "lasts": 10.0})]
        if self._random.random() < 0.3:
            late = {"of": "case-inputs", "after": self._random.randrange(1, 6), "lasts": self._time(1.0, 3.0)}
            steps.append(Step(then, "freeze", {"worker": worker, **late}))
        for who in range(RESIDENTS):
            alerted = round(then + 2.0 * self._random.random(), 3)
            steps.append(Step(alerted, "signals", {"signals": self._red(who, LATER_SIGNALS + 4 + 2 * who)}))
        return steps

    def unreported(self) -> list[Step]:
        """A worker freezes between its request and its report. Another stands in and applies the receipt, Redis is
        wiped before it finds out what the provider has done, and the dispatch goes to a worker that does not know of
        the request.
        """
        who, at = self._random.randrange(RESIDENTS), self._time(0.3, 4.0)
        when = {"of": "dispatches.red", "after": self._random.randrange(2, 6), "lasts": self._time(5.0, 7.0)}
        return [
            Step(at, "freeze", {"worker": self._worker(), **when, "since": list(CHANNELS)}),
            Step(at, "signals", {"signals": self._red(who, LATER_SIGNALS + 20)}),
            *self._wipe(round(at + self._time(1.5, 3.5), 3)),
        ]

    def _red(self, who: int, number: int) -> list[dict[str, Any]]:
        """A call and a payment, which together are red. `number`: of the first of the two signals."""
        payee = 200 + self._random.randrange(3)
        return [
            {"kind": "ongoing", "who": who, "n": number},
            {"kind": "transfer", "who": who, "payee": payee, "n": number + 1},
        ]

    def _time(self, least: float, most: float) -> float:
        return round(self._random.uniform(least, most), 3)

    def _lasts(self) -> float:
        return round(0.3 + 6.0 * self._random.random() ** 2, 3)

    def _worker(self) -> str:
        return self._random.choice(self._names)

    def _kill(self, at: float) -> list[Step]:
        """At some message after a moment, and perhaps Redis loses all before the worker is back."""
        steps = [Step(at, "kill_at_message", {"worker": self._worker(), **self._message(), "restart": self._restart()})]
        if self._random.random() < 0.5:
            then = round(at + 0.5 + self._random.random() * 6.0, 3)
            steps += self._random.choice((self._wipe, self._wipe, self._older, self._failover))(then)
        return steps

    def _message(self) -> dict[str, Any]:
        """One of the next messages of an agent or a timer, or of the whole process."""
        of = self._random.choice(PARTS)
        return {"of": of, "after": int(2 ** (self._random.random() * (3.5 if of else 6.5)))}

    def _crash(self, at: float) -> list[Step]:
        after = int(2 ** (self._random.random() * 10))
        return [Step(at, "kill_at_step", {"worker": self._worker(), "after": after, "restart": self._restart()})]

    def _restart(self) -> float:
        return round(0.5 + 4.0 * self._random.random(), 3)

    def _freeze(self, at: float) -> list[Step]:
        message = {"of": self._random.choice(FROZEN), "after": int(2 ** (self._random.random() * 3.5))}
        lasts = round(0.3 + 5.0 * self._random.random(), 3)
        return [Step(at, "freeze", {"worker": self._worker(), **message, "lasts": lasts})]

    def _cut(self, at: float) -> list[Step]:
        server = self._random.choices(SERVERS, (4, 4, 1, 1, 1, 1))[0]
        ways = self._random.choice((["out"], ["back"], ["out", "back"]))
        who = self._names if self._random.random() < 0.2 else [self._worker()]
        lasts = self._lasts()
        return [Step(at, "cut", {"worker": name, "server": server, "ways": ways, "lasts": lasts}) for name in who]

    def _wipe(self, at: float) -> list[Step]:
        return [Step(at, "wipe")]

    def _older(self, at: float) -> list[Step]:
        back = round(0.1 + 3.0 * self._random.random() ** 2, 3)
        return [Step(at, "older", {"back": back, "new_run": self._random.random() < 0.8})]

    def _failover(self, at: float) -> list[Step]:
        return [Step(at, "failover", {"lag": round(1.5 * self._random.random() ** 2, 3)})]

    def _split(self, at: float) -> list[Step]:
        """Two primaries: some workers stay with the old one for a while."""
        lag = round(0.5 * self._random.random() ** 2, 3)
        return [Step(at, "split", {"lag": lag, "old": [self._worker()], "lasts": self._lasts()})]

    def _clock(self, at: float) -> list[Step]:
        step = self._random.choice((-3600.0, -30.0, 30.0, 600.0, 3600.0))
        return [Step(at, "clock", {"step": step, "lasts": self._lasts()})]

    def _retention(self, at: float) -> list[Step]:
        """What is done with is no longer kept; perhaps Redis loses it too, a moment later."""
        topics = self._random.choice((("case-inputs",), ("signals", "signals-urgent"), ("dispatches.red",)))
        steps = [Step(at, "retention", {"topic": topic}) for topic in topics]
        return steps + self._wipe(round(at + 1.0, 3)) if self._random.random() < 0.5 else steps

    def _poison(self, at: float) -> list[Step]:
        topic = self._random.choice(("case-inputs", "signals", "signals-urgent", "dispatches.red", "dispatches.sms"))
        return [Step(at, "poison", {"topic": topic, "value": self._random.randrange(100)})]

    def _provider(self, at: float) -> list[Step]:
        faults = [self._random.choice(FAULTS) for _ in range(self._random.choice((1, 1, 2, 3)))]
        return [Step(at, "provider", {"channel": self._random.choice(CHANNELS), "faults": faults})]


THEMES: Mapping[str, Callable[[_Drawing], list[Step]]] = {
    "compaction": _Drawing.compacted,
    "late_records": _Drawing.late,
    "unreported": _Drawing.unreported,
    "unasked": _Drawing.unasked,
    "checkpoints": lambda drawing: drawing.checkpointed(),
    "moved_partitions": lambda drawing: [*drawing.feeds(), *drawing.moved()],
}
"""The kinds of schedules of which some can be drawn alone."""
