"""Sizing of an installation: partitions, workers, memory, disk, network, and the monthly cost of its cores.

Linear in the measured coefficients (domain/statistics/coefficients); docs/sizing.md explains each figure. Unmeasured
quantities are assumptions, each with its own name below.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil, exp

from domain.statistics.coefficients import VALUES
from schemas.risk.evidence import EvidenceKind

DAY_SECONDS = 86_400
YEAR_DAYS = 365
LEAST_PARTITIONS = 4
LEAST_WORKERS = 2  # one works while the other restarts
ROOM = 4  # partitions for each worker: growing stops the installation, so the workers may become four times as many
INPUTS_DAYS = 7  # retention of case inputs and dispatches (streams/messaging/topics)
PAYMENTS_DAYS = 4  # Jilin's policy, money.window, plus a day for late payments
EVIDENCE_DAYS = 60  # Jilin's policy, risk.keep
MOST_EVIDENCE = 32 * len(EvidenceKind)  # risk.bound for each kind
REDIS_COPIES = 2  # a primary and its replica
REDIS_SPARE = 1.5  # assumed: copy on write while the append-only file is rewritten, and fragmentation
BROKER_HEAP = 2**30  # assumed: Kafka's own default
CACHED_SECONDS = 3600  # assumed: seconds of peak traffic in a broker's page cache, for workers that lag


@dataclass(frozen=True, slots=True)
class Cost:
    """The parts of the cost of a record of signals, in µs of CPU or bytes: `record`, for each record; `place`, for each
    partition in which it has keys; `signal`, for each signal.
    """

    record: float
    place: float
    signal: float

    def of(self, signals: float, partitions: int) -> float:
        """Return the cost of a record with `signals` signals whose residents are spread over `partitions` partitions,
        in µs of CPU or bytes, as the cost's parts are.
        """
        return self.record + self.place * places(partitions, signals) + self.signal * signals


def places(partitions: int, signals: float) -> float:
    """Return the average number of partitions that contain keys of a record of `signals` signals.

    Each of them costs a request to Redis.
    """
    return partitions * (1 - float((1 - 1 / partitions) ** signals))


@dataclass(frozen=True, slots=True)
class Asked:
    """The required load, of all cells together, and the conditions. `peak_factor`: the load at the peak, as a multiple
    of the daily average. `batch`: average number of signals in a record. `headroom`: highest fraction of a core that
    may be used at the peak.

    `retention`: days for which signals are kept. `years`: years of cases to plan for; cases are kept for good.
    `replication`: copies of each Kafka record. `cells`: independent installations that share the load. `partitions`:
    None to compute their number. `pace`: speed of a core relative to the measured one. `price`: of a core for a month,
    in any currency, or None.
    """

    residents: int
    signals_per_day: float
    warnings_per_day: float
    peak_factor: float = 10.0
    batch: float = 500.0
    headroom: float = 0.5
    retention: float = 7.0
    years: float = 1.0
    replication: int = 3
    cells: int = 1
    partitions: int | None = None
    pace: float = 1.0
    price: float | None = None

    @property
    def peak_signals(self) -> float:
        """Signals per second at the peak, for one cell."""
        return self.signals_per_day * self.peak_factor / DAY_SECONDS / self.cells

    @property
    def peak_inputs(self) -> float:
        """Case inputs per second at the peak, for one cell."""
        inputs = self.warnings_per_day * VALUES["sizing.inputs_per_case"]
        return inputs * self.peak_factor / DAY_SECONDS / self.cells


@dataclass(frozen=True, slots=True)
class Cores:
    """Numbers of cores for one cell, of all processes of a kind together: those used at the peak, or those to
    provide.
    """

    workers: float
    intake: float
    redis: float
    brokers: float


@dataclass(frozen=True, slots=True)
class Size:
    """The size of one cell.

    `used`, `bought`: cores used at the peak, and cores to provide. By content: `redis`, bytes in one Redis; `disk`,
    bytes on all brokers' disks; `network`, bytes per second at the peak.
    """

    asked: Asked
    partitions: int
    workers: int
    used: Cores
    bought: Cores
    redis: Mapping[str, float]
    disk: Mapping[str, float]
    network: Mapping[str, float]

    @property
    def redis_machine(self) -> float:
        """Memory in bytes that each Redis machine needs."""
        return REDIS_SPARE * sum(self.redis.values())

    @property
    def broker_machine(self) -> float:
        """Memory in bytes that each broker's machine needs."""
        return BROKER_HEAP + CACHED_SECONDS * _written(self.asked, self.partitions)

    @property
    def cores(self) -> float:
        """Cores to provide in all cells together."""
        bought = self.bought
        return self.asked.cells * (bought.workers + bought.intake + bought.redis + bought.brokers)

    @property
    def price(self) -> float | None:
        """The price of the cores of all cells for a month, or None if no price of a core is given."""
        return None if self.asked.price is None else self.asked.price * self.cores

    @property
    def too_small(self) -> str | None:
        """The reason, in English, why no number of workers suffices: a cell has one Redis, which uses one core, and
        that would be over `headroom` at the peak. None if it suffices.
        """
        if self.used.redis <= self.asked.headroom:
            return None
        return (
            f"one Redis would use {self.used.redis:.0%} of its core at the peak: make it at least "
            f"{ceil(self.asked.cells * self.used.redis / self.asked.headroom)} cells"
        )


def size(asked: Asked) -> Size:
    """Return the size of one cell for the required load. Raises ValueError that names the figure if a figure of `asked`
    is impossible, and if `headroom` leaves too little beside an idle worker.
    """
    _check(asked)
    partitions, workers = _workers(asked)
    used = _used(asked, partitions, workers)
    names = ("to_broker_bytes", "from_broker_bytes", "to_redis_bytes", "from_redis_bytes")
    rate = {name: _of_signals(_apart(name), asked, partitions) + _idle(name, workers, partitions) for name in names}
    return Size(
        asked,
        partitions,
        workers,
        used,
        _bought(asked, workers, used),
        _redis(asked),
        _disk(asked),
        {
            "to the intake": asked.peak_signals * VALUES["sizing.log_bytes_per_signal"],
            "to the brokers": rate["to_broker_bytes"],
            "between the brokers": _written(asked, partitions) * (asked.replication - 1),
            "from the brokers to workers": rate["from_broker_bytes"],
            "from workers to Redis": rate["to_redis_bytes"],
            "from Redis to workers": rate["from_redis_bytes"],
        },
    )


def _check(asked: Asked) -> None:
    for name in ("residents", "peak_factor", "batch", "retention", "replication", "cells", "pace"):
        if getattr(asked, name) <= 0:
            raise ValueError(f"{name.replace('_', ' ')}: {getattr(asked, name)} is not above zero")
    for name in ("signals_per_day", "warnings_per_day", "years"):
        if getattr(asked, name) < 0:
            raise ValueError(f"{name.replace('_', ' ')}: {getattr(asked, name)} is below zero")
    if not 0 < asked.headroom <= 1:
        raise ValueError(f"headroom: {asked.headroom} is no share of a core, above 0 and at most 1")
    if asked.partitions is not None and asked.partitions < 1:
        raise ValueError(f"partitions: {asked.partitions} is less than one")


def _apart(name: str) -> Cost:
    """Return a cost's measured parts; a part that was not measured is 0."""
    return Cost(*(VALUES.get(f"sizing.{name}_per_{part}", 0.0) for part in ("record", "place", "signal")))


def _of_signals(cost: Cost, asked: Asked, partitions: int) -> float:
    """Return the cost of signals per second at the peak, for one cell."""
    return asked.peak_signals / asked.batch * cost.of(asked.batch, partitions)


def _written(asked: Asked, partitions: int) -> float:
    """Return the bytes per second written to the brokers at the peak, without the workers' requests."""
    return _of_signals(_apart("to_broker_bytes"), asked, partitions)


def _workers(asked: Asked) -> tuple[int, int]:
    """Return the numbers of partitions and workers. Each depends on the other, so both are increased until they fit."""
    a_worker, a_partition = (cores / asked.pace for cores in _idle_parts("worker_cores"))
    spare = asked.headroom - a_worker
    if spare <= ROOM * a_partition:
        idle = a_worker + ROOM * a_partition
        raise ValueError(f"headroom: an idle worker uses {idle:.2f} of a core, so {asked.headroom:g} leaves too little")
    partitions = asked.partitions or LEAST_PARTITIONS
    while True:
        workers = max(LEAST_WORKERS, ceil(_used(asked, partitions, 0).workers / spare))
        if asked.partitions or partitions >= ROOM * workers:
            return partitions, workers
        partitions *= 2


def _used(asked: Asked, partitions: int, workers: int) -> Cores:
    """Return the cores in use at the peak, in cores of the given pace."""
    screening = _of_signals(_apart("worker_us"), asked, partitions)
    casework = asked.peak_inputs * VALUES["sizing.worker_us_per_input"]
    intake = asked.peak_signals * VALUES["intake.ndjson_500.quanzu.cpu_us_per_signal"]
    redis, broker = (_of_signals(_apart(name), asked, partitions) for name in ("redis_us", "broker_us"))
    second, idle = 1e6 * asked.pace, partial(_idle, workers=workers, partitions=partitions)
    return Cores(
        workers=idle("worker_cores") / asked.pace + (screening + casework) / second,
        intake=intake / second,
        redis=idle("redis_cores") / asked.pace + redis / second,
        # Assumed: each replica costs as much as the leader.
        brokers=idle("broker_cores") / asked.pace + asked.replication * broker / second,
    )


def _idle(name: str, workers: int, partitions: int) -> float:
    """Return what idle workers use themselves or cause at the servers: cores, or bytes per second."""
    a_worker, a_partition = _idle_parts(name)
    return workers * a_worker + partitions * a_partition


def _idle_parts(name: str) -> tuple[float, float]:
    """Return the idle cost of a worker, and of each partition."""
    few, many = (VALUES[f"idle.{name}_of_{count}_partitions"] for count in (4, 64))
    a_partition = max(0.0, (many - few) / 60)
    return max(0.0, few - 4 * a_partition), a_partition


def _bought(asked: Asked, workers: int, used: Cores) -> Cores:
    """Return whole cores to provide: one for each worker and intake, at least one for each Redis and broker."""
    brokers = asked.replication
    return Cores(
        workers=workers,
        intake=max(LEAST_WORKERS, ceil(used.intake / asked.headroom)),
        redis=REDIS_COPIES,
        brokers=brokers * max(1, ceil(used.brokers / brokers / asked.headroom)),
    )


def _redis(asked: Asked) -> dict[str, float]:
    """Return the bytes in one Redis by content."""
    residents, signals = asked.residents / asked.cells, asked.signals_per_day / asked.cells
    days = YEAR_DAYS * asked.years
    return {
        "residents": residents * VALUES["residents.bytes_each"],
        "payments": signals * VALUES["sizing.payments_per_signal"] * PAYMENTS_DAYS * VALUES["sizing.bytes_per_payment"],
        "evidence": residents
        * members(signals * VALUES["sizing.evidence_per_signal"] / residents)
        * VALUES["sizing.bytes_per_evidence"],
        "cases": asked.warnings_per_day / asked.cells * days * VALUES["sizing.redis_bytes_per_case"],
    }


def members(a_day: float) -> float:
    """Return the average number of pieces of evidence that are kept of a resident who gets `a_day` of them per day, at
    random.

    The freshest piece is kept, and those before it that have not faded. All are dropped after 60 days without a new
    one.
    """
    there = 1 - exp(-a_day * EVIDENCE_DAYS)
    return there * min(MOST_EVIDENCE, 1 + a_day * VALUES["sizing.evidence_days"])


def _disk(asked: Asked) -> dict[str, float]:
    """Return the bytes on all brokers' disks of one cell, by content."""
    signal = _apart("log_bytes").of(asked.batch, 1) / asked.batch
    inputs = asked.warnings_per_day * VALUES["sizing.inputs_per_case"]
    cases = asked.warnings_per_day * YEAR_DAYS * asked.years
    event = VALUES["sizing.log_bytes_per_event"]
    kept_a_week = VALUES["sizing.log_bytes_per_input"] + VALUES["sizing.log_bytes_of_dispatches_per_input"]
    found = {
        "signals": asked.signals_per_day * asked.retention * signal,
        "inputs, dispatches": inputs * INPUTS_DAYS * kept_a_week,
        "journal": inputs * YEAR_DAYS * asked.years * event,
        "snapshots": cases * event,  # a snapshot is about as large as an event
        "residents": asked.residents * VALUES["sizing.log_bytes_per_resident"],
    }
    return {name: value * asked.replication / asked.cells for name, value in found.items()}
