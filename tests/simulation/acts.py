"""What each step of a schedule does to the world, and how it ends."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from aiokafka import TopicPartition

from schemas.base import ANY_VERSION
from schemas.casework.cases import Case
from schemas.casework.inputs import CaseInput
from streams.intake.acceptor import records_of
from streams.messaging.topics import ALL
from tests.simulation.feeds import POISON, approvals, dissuaded, signal
from tests.simulation.laws.observed import AcceptedSignal
from tests.simulation.reports.kinds import EVERY_PARTITION, REPORTS, topic_for
from tests.simulation.reports.seen import SeenCase
from tests.simulation.schedule import Schedule, Step
from tests.simulation.simulated.loop import Trap
from tests.simulation.simulated.office import Offices
from tests.simulation.simulated.world import PARTITIONS, World

SAVED_SECONDS = 0.25  # so often Redis' state is kept, for a server that comes back with an older one
SAVED = 20
YOUNGEST_SECONDS = 0.1
YOUNG_SECONDS = 1.0  # records of this age are not compacted
YOUNG = re.compile(rb'"kind": ?"(transfer|watchlist)"')


class Acts:
    """Does a schedule's steps. `healed`: when the last fault has ended."""

    def __init__(self, world: World, schedule: Schedule) -> None:
        self._world, self._schedule = world, schedule
        self._signals: dict[int, Any] = {}
        self._reports: dict[tuple[str, int, int], list[CaseInput]] = {}
        self._saved: list[tuple[float, Any]] = []
        self.offices = Offices(world)
        self._open = 0  # faults that last
        self.healed = world.loop.time()
        self.left = len(schedule.steps)

    def start(self) -> None:
        """Have each step done at its time."""
        loop = self._world.loop
        if any(step.do in ("older", "failover", "split") for step in self._schedule.steps):
            loop.outside(0, self._save)
        for step in self._schedule.steps:
            loop.outside(step.at, self._do, step)

    @property
    def over(self) -> bool:
        """Whether all steps are done, and all faults healed."""
        return self.left == 0 and self._open == 0

    def _do(self, step: Step) -> None:
        self.left -= 1
        _ACTS[step.do](self, **step.what)
        if step.do not in ("signals", "dissuade", "approve", "report", "compact", "change", "checkpoint"):
            self.healed = self._world.loop.time()

    def _lasting(self, seconds: float, heal: Callable[[], None]) -> None:
        """Undo a fault after a while."""
        self._open += 1

        def healed() -> None:
            self._open -= 1
            self.healed = self._world.loop.time()
            heal()

        self._world.loop.outside(seconds, healed)

    def _save(self) -> None:
        world = self._world
        self._saved = [*self._saved[-SAVED:], (world.loop.time(), world.redis().snapshot())]
        if self.left:
            world.loop.outside(SAVED_SECONDS, self._save)

    def _state(self, back: float) -> Any:  # noqa: ANN401 - a snapshot
        """Redis' state as it was so long ago, or as near to that as is known, but not of the last moment: nobody copies
        a machine and starts it again in less.
        """
        now = self._world.loop.time()
        saved = [each for each in self._saved if now - each[0] >= YOUNGEST_SECONDS] or self._saved[:1]
        return min(saved, key=lambda each: abs(each[0] - (now - back)))[1]

    # ------------------------------------------------------------ what feeds and people do

    def signals(self, signals: list[dict[str, Any]]) -> None:
        """Intake has accepted signals; one with a number that was there before is the same again."""
        world = self._world
        made = [self._signals.setdefault(told["n"], signal(told, world.now())) for told in signals]
        for record in records_of(made, PARTITIONS):
            where = TopicPartition(record.topic, record.partition or 0)
            lain = world.log.append(where, record.key, record.value, world.true())
            world.tell("feed", lain)
            for item, told in enumerate(orjson.loads(record.value or b"[]")):
                uid = f"{told['source']}:{told['id']}"
                world.accepted.append(
                    AcceptedSignal(told["source"], uid, where.topic, where.partition, lain.offset, item, world.true())
                )

    def dissuade(self, who: int, n: int) -> None:
        """An operator persuades a resident, if there is a case of his."""
        assert self._world.prepared is not None
        case = self._world.latest(self._world.prepared.residents[who].id)
        if case is not None and case["state"] != "closed":
            self._world.input(dissuaded(case, n, self._world.now()), "operator")

    def approve(self, who: int, n: int) -> None:
        """The stop desk approves the orders of a resident that wait."""
        assert self._world.prepared is not None
        case = self._world.latest(self._world.prepared.residents[who].id)
        for each in approvals(case, n, self._world.now()) if case is not None else ():
            self._world.input(each, "stop desk")

    def report(self, kind: str, who: int, n: int) -> None:
        """Somebody reports something of a resident; with a number that was there before, the same again."""
        world = self._world
        assert world.prepared is not None
        resident = world.prepared.residents[who]
        made = self._reports.get((kind, who, n), [])
        if not made:
            latest = world.latest(resident.id)
            case = Case.model_validate(latest, extra=ANY_VERSION) if latest else None
            seen = SeenCase(n, world.now(), resident, case, world.prepared.policy.hash)
            made = self._reports[kind, who, n] = list(REPORTS[kind](seen))
        for each in made:
            if kind in EVERY_PARTITION:
                world.to_all(each, kind)
            else:
                world.input(each, kind, topic_for(kind))

    # ------------------------------------------------------------ what fails

    def kill_at_message(self, worker: str, of: str, after: int, restart: float) -> None:
        """Kill a worker at one of the next messages that it sends or is sent; `of`: of one agent's, or timer's."""
        node, world = self._world.nodes[worker], self._world

        def kill() -> None:
            if world.nodes[worker] is node:
                world.kill(worker, restart)
                self.healed = max(self.healed, world.loop.time() + restart)

        node.traps.append(Trap(of, after, kill))

    def kill(self, worker: str) -> None:
        """Kill a process for good, now."""
        self._world.kill(worker, restart=None)

    def kill_at_step(self, worker: str, after: int, restart: float) -> None:
        """Kill a worker at one of its next awaits."""
        node = self._world.nodes[worker]
        node.crash_at = node.steps + after
        self._world.restarts[worker] = restart

    def freeze(self, worker: str, of: str, after: int, lasts: float, since: Sequence[str] = ()) -> None:
        """Stop a worker at one of its next messages (see Trap), and let it go on after a while."""
        node = self._world.nodes[worker]
        world = self._world

        def freeze() -> None:
            if node.dead or node.frozen:
                return
            node.frozen = True
            world.tell(worker, f"is frozen for {lasts:g} s")
            world.stalls.append((world.true(), world.true() + lasts))
            world.trouble(worker, lasts)
            self._lasting(lasts, thaw)

        def thaw() -> None:
            world.loop.thaw(node)
            world.tell(worker, "goes on")

        node.traps.append(Trap(of, after, freeze, frozenset(since)))

    def cut(self, worker: str, server: str, ways: list[str], lasts: float) -> None:
        """Cut a worker off from a server, one way or both."""
        world = self._world
        name = world.servers.name(worker) if server == "redis" else server
        if server in ("redis", "kafka"):
            world.trouble(worker, lasts)
        else:
            world.stalls.append((world.true(), world.true() + lasts))
        cut = [(worker, name) if way == "out" else (name, worker) for way in ways]
        for way in cut:
            world.network.cut(way)
            world.tell("network", f"{way[0]} -> {way[1]} is cut for {lasts:g} s")

        def heal() -> None:
            for way in cut:
                world.network.heal(way)
            world.tell("network", f"{worker} and {name} are joined again")

        self._lasting(lasts, heal)

    def wipe(self) -> None:
        """All in Redis is lost."""
        self._world.tell("redis", "is wiped")
        self._lost()
        self._world.redis().wipe()

    def older(self, back: float, new_run: bool) -> None:
        """Redis comes back with an older state: restarted, or as a restored image that does not know of it."""
        self._world.tell("redis", f"is as it was {back:g} s ago, {'restarted' if new_run else 'under the same run id'}")
        self._lost()
        server, state = self._world.redis(), self._state(back)
        if not new_run:  # an image of this machine, even if another one led then
            state = state._replace(run_id=server.run_id, replid=server.replid)
        server.restore(state, new_run=new_run)

    def failover(self, lag: float) -> None:
        """A replica that lags is promoted; all workers go to it."""
        self._world.tell("redis", f"a replica {lag:g} s behind is promoted")
        self._promote(lag)

    def split(self, lag: float, old: list[str], lasts: float) -> None:
        """A replica is promoted, and some workers stay with the old primary for a while."""
        servers, world = self._world.servers, self._world
        before = servers.primary
        self._promote(lag)
        servers.old.update(dict.fromkeys(old, before))
        world.trouble("redis", lasts)
        world.tell(
            "redis", f"a replica {lag:g} s behind is promoted; {', '.join(old)} stays with {before} for {lasts:g} s"
        )

        def heal() -> None:
            for name in old:
                if servers.old.get(name) == before:
                    del servers.old[name]
            world.tell("redis", f"{before} is no primary any more")

        self._lasting(lasts, heal)

    def _lost(self) -> None:
        """Redis loses something now."""
        self._world.lost_at.append(self._world.true())
        self._world.trouble("redis")

    def _promote(self, lag: float) -> None:
        world = self._world
        self._lost()
        name = f"redis-{len(world.servers.all) + 1}"
        world.server(name, self._state(lag) if lag else world.redis().snapshot(), new_run=True)
        world.servers.primary = name

    def clock(self, step: float, lasts: float) -> None:
        """Redis' clock is set, and put right after a while."""
        server = self._world.redis()
        server.step(step)
        self._world.trouble("redis", lasts)
        self._world.tell("redis", f"its clock is set by {step:+g} s for {lasts:g} s")
        self._lasting(lasts, lambda: server.step(-step))

    def rebalance(self) -> None:
        """The consumer group deals its partitions out anew, though nothing is wrong with any of its members."""
        self._world.tell("kafka", "the partitions are dealt out anew")
        self._world.group.deal()

    def retention(self, topic: str) -> None:
        """What is done with and lies before the last few records is no longer kept.

        Kafka keeps signals for 7 days. By then no payment can be stopped any more, and no primary that was deposed goes
        on: payments and entries of the watchlist, which are minutes old here, stay.
        """
        log = self._world.log
        for where, part in log.parts.items():
            if where.topic == topic:
                done = self._world.group.committed.get(where, 0)
                young = (at for at, record in enumerate(part.records) if YOUNG.search(record.value or b""))
                log.delete(where, min(done, next(young, done)))
                self._world.tell("kafka", f"{topic}/{where.partition} is kept from {part.begin} on")

    def checkpoint(self, worker: str) -> None:
        """A worker writes checkpoints of its partitions, as its timer has it do once a day."""
        self._world.checkpoint(worker)

    def change(self, office: str, name: str, n: int) -> None:
        """An office changes a record of a compacted table."""
        self.offices.change(office, name, n)

    def compact(self) -> None:
        """Compaction leaves of each compacted topic the last record of each key. Kafka never touches the segment that
        is written, which spans longer than any fault here lasts: what is younger than a second, or than a fault that
        still lasts, stays.
        """
        world = self._world
        young = world.true() - YOUNG_SECONDS
        older = min([young, *(each.began for each in world.troubles if each.ended >= young)])
        compacted = {topic.name for topic in ALL if topic.compacted}
        gone = sum(world.log.compact(where, older) for where in world.log.parts if where.topic in compacted)
        world.tell("kafka", f"compaction leaves out {gone} records")

    def poison(self, topic: str, value: int) -> None:
        """A record that nobody should have written."""
        where = TopicPartition(topic, value % PARTITIONS)
        record = self._world.log.append(where, b"poison", POISON[value % len(POISON)], self._world.true())
        self._world.tell("somebody", record)

    def provider(self, channel: str, faults: list[str]) -> None:
        """What a provider's next requests meet."""
        self._world.providers.faults[channel].extend(faults)


_ACTS: dict[str, Callable[..., None]] = {
    name: getattr(Acts, name)
    for name in (
        *(
            "signals",
            "dissuade",
            "kill_at_message",
            "kill_at_step",
            "kill",
            "freeze",
            "cut",
            "wipe",
            "older",
            "failover",
        ),
        *("split", "clock", "retention", "poison", "provider", "rebalance", "approve", "report", "compact", "change"),
        "checkpoint",
    )
}
