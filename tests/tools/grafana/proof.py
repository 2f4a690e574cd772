"""The proof of the boards: the demo's line runs, a real Prometheus scrapes it, every query of every panel is asked, and
the main figures are compared with the journal.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from domain.casework.orders.objections import may_not_object
from domain.ids import short_hash
from domain.payments import ledger
from domain.statistics import counts
from domain.statistics.report import Published, money, unique
from schemas.casework.cases import Case
from schemas.casework.events import CaseEvent
from schemas.casework.inputs import ObjectStop, OperatorReport
from schemas.casework.objections import DecideObjectionAct, ObjectionGround, Objector, WrongfulCause
from schemas.levels import Action, Level, WeekAnswer
from schemas.people.staff import StaffRole
from schemas.risk.reported_frauds import ReportedFraud
from simulators.demo.run import Demo, Plan, Running, drained, in_background
from streams.casework.journal import read_entry
from streams.intake.acceptor import ACCEPTED
from streams.intake.reported_frauds import write_frauds
from streams.intake.settings import embedded_key
from streams.messaging import case_inputs, topics
from streams.messaging.producer import Record
from streams.messaging.topics import home
from streams.monitoring.exporter.exporter import METRIC_GROUPS
from streams.monitoring.report import OUTCOMES, journal_events
from streams.runtime.settings import Settings
from streams.state.keys import key
from tests.tools.grafana import programs
from tests.tools.grafana.queries import EVERYTHING, Answered, Span, ask_all, has_data
from tests.tools.servers.prometheus import PrometheusServer

WEEK = 7 * 86_400.0
POISON = b"no signal at all"
PAYEE = "6200000000000009"
ONE = {"prefecture": "2201", "level": "red", "channel": "sms", "source": "bank-a"}
FRESH_SECONDS = 60.0
FRAUDS = 3


@dataclass(slots=True)
class Proof:
    """What was found. `figures`: by name, what Prometheus has and what the journal says."""

    everything: list[Answered]
    one: list[Answered]
    span: Span
    figures: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def errors(self) -> list[str]:
        """Queries that Prometheus refused."""
        return [f"{each.asked.expr}: {each.answer.error}" for each in self._all if each.answer.error]

    @property
    def empty(self) -> list[str]:
        """Queries without data, nothing being left out by a variable."""
        return [
            f"{each.asked.board} / {each.asked.panel}: {each.asked.expr}"
            for each in self.everything
            if not has_data(each.answer)
        ]

    @property
    def unequal(self) -> dict[str, tuple[float, float]]:
        """Main figures that are not the journal's."""
        return {name: pair for name, pair in self.figures.items() if pair[0] != pair[1]}

    @property
    def _all(self) -> list[Answered]:
        return [*self.everything, *self.one]

    def summary(self) -> dict[str, int]:
        """In figures."""
        panels = {(each.asked.board, each.asked.panel) for each in self.everything}
        return {
            "panels": len(panels),
            "queries": len(self.everything),
            "with_data": sum(has_data(each.answer) for each in self.everything),
            "errors": len(self.errors),
            "one_value_with_data": sum(has_data(each.answer) for each in self.one),
            "figures": len(self.figures),
            "unequal": len(self.unequal),
        }


async def prove(folder: Path, plan: Plan, interval: str = "15s") -> Proof:
    """Run the plan, which serves metrics, and look. Raises TimeoutError where a figure never comes."""
    settings = Settings(data=folder / "province", http_port=0, metrics_port=0, log_level="WARNING")
    demo = Demo(settings, plan, Console(quiet=True), lambda view, title: "")
    first = plan.metrics_port
    targets = {"quanzu-exporter": [first], "quanzu-worker": [first + 1 + n for n in range(plan.workers)]}
    prometheus = PrometheusServer(folder / "prometheus", targets)
    prometheus.backfill(_last_week(time.time()))
    before = _accepted_here()
    async with demo.running() as running:
        with prometheus:
            began = time.time()
            await _poison(running)
            await _ask_after_a_week(running)
            async with (
                in_background(_ask_about_payees(running)),
                in_background(_object_to_stops(running)),
                in_background(_report_frauds(running)),
                in_background(programs.count()),
            ):
                await running.feeders.run(running.line.clock.now() + plan.length * plan.speed)
            await drained(running)
            span = Span(began, time.time())
            everything = await asyncio.to_thread(ask_all, prometheus, span, EVERYTHING, interval)
            one = await asyncio.to_thread(ask_all, prometheus, span, ONE, interval)
            await running.workers.stop()  # from here on nothing changes
            return Proof(everything, one, span, await _figures(running, prometheus, before))


async def _poison(running: Running) -> None:
    """Something that cannot be read, so that there is a dead letter to be shown."""
    await running.line.producer.send_all([Record(topics.SIGNALS.name, b"", POISON, 0)])


async def _ask_after_a_week(running: Running) -> None:
    """Count answers to the question a week later as casework counts them: the demo ends before a week is over."""
    redis: Any = running.line.redis
    for answer in WeekAnswer:
        await redis.hincrby(key("counts", 0), f"week|{answer.value}", 3)


async def _ask_about_payees(running: Running) -> None:
    """A bank asks about a payee each second, and its customers do not pay."""
    own = {"Authorization": f"Bearer {embedded_key(running.line.settings)}"}
    async with httpx.AsyncClient(base_url=f"{running.address}/v1/payees", headers=own) as bank:
        while True:
            found = await bank.post("/check", json={"subject": "account", "value": PAYEE})
            found.raise_for_status()
            (answer,) = found.json()["answers"]
            (await bank.post("/check/abandoned", json={"check": answer["check"]})).raise_for_status()
            await asyncio.sleep(1)


async def _object_to_stops(running: Running) -> None:
    """Holders of stopped accounts object, and each time another person finds that the report was false."""
    while True:
        for case in await _cases(running):
            for order in case.orders:
                if may_not_object(case, order) is None:
                    await _write(running, case, _objection(running, case, order.step))
            for each in case.objections:
                if each.waits:
                    await _write(running, case, _upheld(running, case, each.id))
        await asyncio.sleep(1)


async def _report_frauds(running: Running) -> None:
    """The police record a fraud for some of the residents whom a warning has reached."""
    line, reported = running.line, set[str]()
    while len(reported) < FRAUDS:
        warned = [case.resident for case in await _cases(running) if case.warnings and case.resident not in reported]
        now = line.clock.now()
        for name, resident in (await line.residents.get(warned[:1])).items():
            when = {"reported_at": now, "happened_from": now, "happened_to": now}
            who = {"phone": resident.phones[0].value, "name": resident.name}
            record = ReportedFraud.model_validate({"source": "police", "id": name, "loss_fen": 100, **when, **who})
            await write_frauds(line.producer, [record], line.settings.partitions)
            reported.add(name)
        await asyncio.sleep(1)


async def _cases(running: Running) -> list[Case]:
    found = [await running.line.redis.hvals(key("cases", each)) for each in range(running.line.settings.partitions)]
    return [Case.model_validate_json(raw) for partition in found for raw in partition]


async def _write(running: Running, case: Case, given: ObjectStop | OperatorReport) -> None:
    record = case_inputs.record(given, home(case.resident, running.line.settings.partitions))
    await running.line.producer.send_all([record])


def _objection(running: Running, case: Case, order: str) -> ObjectStop:
    return ObjectStop(
        id=short_hash("objection", case.id, order),
        at=running.line.clock.now(),
        resident=case.resident,
        case=case.id,
        order=order,
        who=Objector.HOLDER,
        by="takes-down",
        ground=ObjectionGround.FALSE_REPORT,
    )


def _upheld(running: Running, case: Case, objection: str) -> OperatorReport:
    act = DecideObjectionAct(objection=objection, upheld=True, reason="invented", cause=WrongfulCause.FALSE_REPORT)
    return OperatorReport(
        id=short_hash("review", objection),
        at=running.line.clock.now(),
        resident=case.resident,
        case=case.id,
        by="reviews",
        role=StaffRole.RELEASE_DESK,
        seen=case.version,
        act=act,
    )


def _last_week(now: float) -> str:
    """A week ago a case a minute was opened, and every second one ended well."""
    lines = ["# TYPE quanzu_cases_opened counter"]
    moments = [now - WEEK + 60 * minute for minute in range(-75, 30)]
    lines += [f'quanzu_cases_opened_total{{level="yellow"}} {n} {at:.3f}' for n, at in enumerate(moments)]
    lines += ["# TYPE quanzu_case_states counter"]
    lines += [
        f'quanzu_case_states_total{{state="dissuaded",basis="{basis}"}} {n / 2} {at:.3f}'
        for basis in ("evidenced", "stated")
        for n, at in enumerate(moments)
    ]
    return "\n".join([*lines, "# EOF", ""])


def _accepted_here() -> float:
    """What this process' intakes have counted: it may have run others before the one that is proved."""
    [family] = ACCEPTED.collect()
    return sum(sample.value for sample in family.samples if sample.name.endswith("_total"))


async def _figures(running: Running, prometheus: PrometheusServer, before: float) -> dict[str, tuple[float, float]]:
    """Once Prometheus has what stands since now: each main figure, and what the journal says it must be.

    All are asked as of the scrape that had it. A later one may time out, since this process serves the exporter and
    adds up the journal at the same time; Prometheus then has no present value. `before`: signals that this process had
    accepted before the demo.
    """
    stopped, until = time.time(), time.monotonic() + FRESH_SECONDS
    look = 'quanzu_exporter_look_timestamp_seconds{look="partitions"}'
    fresh = f"timestamp({look}) and {look} > {stopped + METRIC_GROUPS[0].every}"
    while not (found := (await asyncio.to_thread(prometheus.query, fresh)).series):
        if time.monotonic() > until:
            raise TimeoutError("Prometheus has not read the exporter since the workers stopped")
        await asyncio.sleep(0.2)
    scraped = float(found[0]["value"][1])
    entries = unique([*await journal_events(running.line.settings), *await _unpublished(running)])
    tallies = await running.line.screening.tallies()
    wanted = dict(_by_journal(entries))
    for outcome in OUTCOMES:
        wanted[f'sum(quanzu_signals{{outcome="{outcome}"}})'] = sum(each.get(outcome, 0) for each in tallies.values())
    wanted["sum(quanzu_signals_accepted_total)"] = before + sum(running.feeders.accepted.values())
    return {
        expr: (await asyncio.to_thread(_value, prometheus, expr, scraped), number) for expr, number in wanted.items()
    }


async def _unpublished(running: Running) -> list[Published]:
    """What the workers had committed, and so counted, but not yet published when they were stopped."""
    outboxes = [await running.line.store.outbox(each) for each in range(running.line.settings.partitions)]
    entries = (read_entry(-1, value) for outbox in outboxes for value in outbox.values())
    return [Published(entry, time.time()) for entry in entries if isinstance(entry, CaseEvent)]


def _value(prometheus: PrometheusServer, expr: str, at: float) -> float:
    found = prometheus.query(f"{expr} or vector(0)", at)
    return found.value() if not found.error else float("nan")


def _by_journal(entries: list[Published]) -> Iterator[tuple[str, float]]:
    """Each main figure as a query for one number, and what the journal alone says of it."""
    books, cases = money(entries), _latest(entries)
    total = counts.clocks_of(entry.event for entry in entries)
    for entry in entries:
        total.update(counts.of_event(entry.event))
    yield "sum(quanzu_cases_known)", books.cases
    yield "sum(quanzu_cases_warned)", books.warned
    yield 'sum(quanzu_dissuaded{basis="evidenced"})', books.dissuaded_evidenced
    yield 'sum(quanzu_dissuaded{basis="stated"})', books.dissuaded_stated
    yield "sum(quanzu_false_alarms)", books.false_alarms
    yield "sum(quanzu_frozen_fen)", books.frozen
    yield "sum(quanzu_lost_fen)", books.lost
    yield 'sum(quanzu_defrauded_after_warning{days="30"})', books.defrauded_after_warning_30d
    yield 'sum(quanzu_defrauded_after_warning{days="90"})', books.defrauded_after_warning_90d
    for evidence, fen in books.avoided_by_class.items():
        yield f'sum(quanzu_loss_avoided_fen{{evidence="{evidence}"}})', fen
    for limit, fen in books.estimate._asdict().items():
        yield f'sum(quanzu_loss_avoided_estimate_fen{{limit="{limit}"}})', fen
    for level in Level:
        yield f'sum(quanzu_cases_open{{level="{level}"}})', cases[level]
        yield f'sum(quanzu_cases_open_by_prefecture{{level="{level}"}})', cases[level]
        opened = total[f"opened|{level}"] + total[f"reopened|{level}"]
        yield f'sum(quanzu_cases_opened_total{{level="{level}"}})', opened
        for end in ("kept", "missed"):
            ended = sum(n for name, n in total.items() if name.startswith("clock|") and name.endswith(f"{level}|{end}"))
            yield f'sum(quanzu_clocks_total{{level="{level}",end="{end}"}})', ended
    for action in Action:
        yield f'sum(quanzu_steps_dispatched_total{{action="{action}"}})', total[f"dispatched|{action}"]
        came = sum(n for name, n in total.items() if name.startswith(f"action|{action}|"))
        yield f'sum(quanzu_contacts_total{{action="{action}"}})', came


def _latest(entries: list[Published]) -> Counter[Level]:
    """Open cases by level, each at its highest version."""
    cases: dict[str, Case] = {}
    for entry in entries:
        case = entry.event.case
        if case.id not in cases or case.version > cases[case.id].version:
            cases[case.id] = case
    assert ledger.total(map(ledger.of_case, cases.values())).cases == len(cases)
    return Counter(case.level for case in cases.values() if case.open)
