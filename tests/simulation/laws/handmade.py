"""A small schedule made by hand, in which everything went as it should: the models run, and what they say published.

Two residents: one whose money is moving (red), one who opened a scam app and is dissuaded. A violation of each law is
one change to it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path

from pydantic import BaseModel

from domain.casework import deadlines
from domain.policy import Policy, load
from schemas.administration.dead_letters import DeadLetter, RecordPlace
from schemas.casework.acts import OutcomeAct
from schemas.casework.cases import Danger, Profile
from schemas.casework.events import CaseEvent, Dispatch, RulesEvent
from schemas.casework.inputs import Alert, ContactResult, Deadline, OperatorReport
from schemas.codes.danger import CombinedEvidence
from schemas.levels import Action, Level, Outcome, OutcomeGround, Result
from schemas.people.residents import BalanceBand, Holding, Language, Occupation, Resident, Sex
from schemas.risk.signals import (
    App,
    AppKind,
    Call,
    Channel,
    NumberClass,
    Signal,
    Transfer,
    TransferState,
    batch_adapter,
)
from tests.simulation.laws.known import topic_of
from tests.simulation.laws.model import CASE_INPUTS, Fold, begun, take
from tests.simulation.laws.observed import AcceptedSignal, Contact, LogRecord, Observed, Promise, Store

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # 12:00 in Jilin
BEGAN = NOON.timestamp()
ENDED = BEGAN + 900
IN_DANGER, CAREFUL = "raaaaaaaaaaaaaaaa", "rbbbbbbbbbbbbbbbb"
PARTITION = {IN_DANGER: 0, CAREFUL: 1}
POLICY: Policy = load((Path(__file__).parents[3] / "deploy/policy/jilin.toml").read_text("utf-8"))
POISON = b'{"kind": "alert", "id": 7}'


def resident(name: str, number: int) -> Resident:
    return Resident(
        id=name,
        name="某某",
        phones=[Holding(value=f"+861990000000{number}")],
        accounts=[Holding(value=f"99000000000{number}")],
        birth_year=1958,
        sex=Sex.FEMALE,
        occupation=Occupation.RETIRED,
        division="990101",
        language=Language.CHINESE,
        balance=BalanceBand.MIDDLE,
    )


RESIDENTS = {IN_DANGER: resident(IN_DANGER, 1), CAREFUL: resident(CAREFUL, 2)}


def moment(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def forged_call(seconds: float = 0) -> Call:
    """A call of 40 minutes from a forged number, to the resident in danger."""
    parties = {"caller": "+85290000000", "called": "+8619900000001"}
    at = moment(seconds - 2400)
    told = {"seconds": 2400, "ongoing": True, "number_class": NumberClass.SPOOFED, "arrived": moment(seconds)}
    return Call.model_validate({"source": "carrier", "id": "c1", "at": at, **parties, **told})


def transfer(seconds: float = 1) -> Transfer:
    """A payment of the resident in danger to somebody new."""
    return Transfer(
        source="bank",
        id="t1",
        at=moment(seconds),
        arrived=moment(seconds),
        payer="990000000001",
        payee="990000000009",
        amount_fen=3_200_000,
        balance_fen=4_000_000,
        channel=Channel.MOBILE_BANK,
        state=TransferState.PENDING,
        new_payee=True,
    )


def app(seconds: float = 2) -> App:
    """A scam app, opened by the careful resident."""
    phone, at = "+8619900000002", moment(seconds)
    return App(source="web", id="p1", at=at, arrived=at, phone=phone, app_kind=AppKind.INVESTMENT, target="x.example")


@dataclass
class Topics:
    """Logs being written."""

    logs: defaultdict[str, defaultdict[int, list[LogRecord]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def write(self, topic: str, partition: int, at: float, value: bytes | BaseModel) -> int:
        """Append a record; returns its offset."""
        records = self.logs[topic][partition]
        content = value if isinstance(value, bytes) else value.model_dump_json().encode()
        records.append(LogRecord(len(records), at, None, content))
        return len(records) - 1

    def frozen(self) -> dict[str, dict[int, list[LogRecord]]]:
        return {topic: {p: list(records) for p, records in parts.items()} for topic, parts in self.logs.items()}


def alert(name: str, level: Level, seconds: float, number: int = 1) -> Alert:
    same = ("birth_year", "sex", "occupation", "division", "language", "balance", "flags")
    danger = Danger(
        level=level,
        probability=0.5,
        exposure_fen=0,
        scam_type="impersonated_police",
        reasons=[CombinedEvidence("a call")],
    )
    profile = Profile(**{field: getattr(RESIDENTS[name], field) for field in same})
    at = moment(seconds)
    return Alert(id=f"a:{name}:{number}", at=at, resident=name, danger=danger, profile=profile, signal_at=at)


def result_of(dispatch: Dispatch, result: Result, seconds: float) -> ContactResult:
    return ContactResult(
        id=f"{dispatch.id}:{result.value}",
        at=moment(seconds),
        resident=dispatch.resident,
        case=dispatch.case,
        dispatch=dispatch.id,
        step=dispatch.step,
        attempt=dispatch.attempt,
        action=dispatch.action,
        result=result,
    )


def outcome(case: str, name: str, seconds: float, number: int = 1) -> OperatorReport:
    act = OutcomeAct(outcome=Outcome.DISSUADED, ground=OutcomeGround.RELATIVE)
    told = {"resident": name, "case": case, "by": "operator li", "seen": 999}
    return OperatorReport.model_validate({"id": f"form:{number}", "at": moment(seconds), **told, "act": act})


@dataclass
class Line:
    """A partition's line without faults: what is decided is carried out a second later, deadlines fire on time."""

    partition: int
    inputs: Sequence[tuple[float, BaseModel | bytes]]  # seconds since the beginning, and the input
    topics: Topics
    contacts: list[Contact]
    denied: Collection[str] = ()
    ends: float = ENDED - BEGAN
    model: Fold = field(init=False)

    def __post_init__(self) -> None:
        self.model = begun(self.partition, POLICY)

    def run(self) -> Fold:
        """Write all inputs in the order of their times, and publish all that follows. Returns the model."""
        for seconds, given in sorted(self.inputs, key=lambda each: each[0]):
            self._until(seconds)
            self._write(seconds, given)
        self._until(self.ends)
        return self._publish()

    def _until(self, seconds: float) -> None:
        """Fire what falls due before, and report what was sent."""
        while (follows := min(self._next(), key=lambda each: each[0], default=None)) and follows[0] < seconds:
            self._write(*follows)

    def _next(self) -> Iterator[tuple[float, BaseModel]]:
        model = self.model
        for dispatch, event in model.dispatches:
            seconds = self._at(event) + 1
            result = Result.FAILED if dispatch.id in self.denied else Result.SENT
            if f"{dispatch.id}:{result.value}" not in model.applied:
                yield seconds, result_of(dispatch, result, seconds)
        for case in model.cases.values():
            for step, due in deadlines(case).items():
                seconds = (due - NOON).total_seconds()
                name = f"d:{case.id}:{step}:{round(due.timestamp() * 1000)}"
                told = {"resident": case.resident, "case": case.id, "step": step, "due": due}
                yield seconds, Deadline.model_validate({"id": name, "at": moment(seconds), **told})

    def _write(self, seconds: float, given: BaseModel | bytes) -> None:
        self.topics.write(CASE_INPUTS, self.partition, BEGAN + seconds, given)
        take(self.model, self.topics.logs[CASE_INPUTS][self.partition][-1], {POLICY.hash: POLICY})
        sent = isinstance(given, ContactResult) and (given.result is Result.SENT or given.dispatch in self.denied)
        if isinstance(given, ContactResult) and sent and given.action is not Action.OPERATOR_CALL:
            self.contacts.append(Contact(given.dispatch, given.action.channel.value, BEGAN + seconds - 0.5, True))

    def _at(self, event: CaseEvent) -> float:
        return self.topics.logs[CASE_INPUTS][self.partition][event.offset].at - BEGAN

    def _publish(self) -> Fold:
        model = self.model
        all_of: list[CaseEvent | RulesEvent] = [*model.events.values(), *model.standing.values()]
        entries = sorted(all_of, key=attrgetter("offset"))
        for entry in entries:
            at = self.topics.logs[CASE_INPUTS][self.partition][entry.offset].at
            self.topics.write("case-events", self.partition, at + 0.01, entry)
            for dispatch in entry.dispatches if isinstance(entry, CaseEvent) else ():
                self.topics.write(topic_of(dispatch), self.partition, at + 0.02, dispatch)
        for offset in model.refused:
            refuse(self.topics, RecordPlace(topic=CASE_INPUTS, partition=self.partition, offset=offset))
        return model


def refuse(topics: Topics, where: RecordPlace) -> None:
    topics.write("dead-letters", 0, BEGAN, DeadLetter.of(where.topic, where, "wrong", POISON, NOON))


def stored(model: Fold) -> Store:
    """What a store holds that stands at the end of the inputs."""
    last = max((given.offset for given in model.given), default=-1)
    return Store(
        state={"offset": str(max([last, *model.refused])), "policy": model.policy.hash},
        cases={name: case.model_dump_json() for name, case in model.cases.items()},
        earlier={name: case.model_dump_json() for name, case in model.earlier.items()},
        applied=dict.fromkeys(model.applied, 0.0),
        deadlines=model.deadlines(),
        queue=model.queue(),
        held=model.held(),
        holds={name: hold.model_dump_json() for name, hold in model.holds.items()},
        awaited=model.awaited(),
        settled={name: at.isoformat() for name, at in model.settled.items()},
        lost={name: loss.model_dump_json() for name, loss in model.lost().items()},
        ledger=model.ledger(),
        books=model.books(),
        counts=model.counts(),
        dispatches={dispatch.id: '{"state": "done"}' for dispatch, _ in model.dispatches},
    )


def written(topics: Topics, signals: Sequence[Sequence[Signal]], lane: str, partition: int) -> list[AcceptedSignal]:
    """Put records of signals on a lane, as intake does; returns what it has accepted."""
    accepted = []
    for record in signals:
        at = max(signal.arrived or signal.at for signal in record).timestamp()
        offset = topics.write(lane, partition, at, batch_adapter.dump_json(list(record)))
        accepted += [
            AcceptedSignal(signal.source, signal.uid, lane, partition, offset, item, at)
            for item, signal in enumerate(record)
        ]
    return accepted


def observed(
    inputs: Mapping[int, Sequence[tuple[float, BaseModel | bytes]]] | None = None, denied: Collection[str] = ()
) -> Observed:
    """A schedule without faults. `inputs`: of each partition, instead of those of the two residents.

    `denied`: dispatches that are reported as failed, though the provider has contacted the resident.
    """
    topics, contacts = Topics(), list[Contact]()
    accepted = written(topics, [[forged_call(), transfer()]], "signals-urgent", 0)
    accepted += written(topics, [[app()]], "signals", 1)
    models = [Line(p, given, topics, contacts, denied).run() for p, given in sorted((inputs or usual()).items())]
    stores = {model.partition: stored(model) for model in models}
    stores[0].screened, stores[0].tally = {"signals-urgent": 0}, {"carrier|raised": 1, "bank|raised": 1}
    stores[1].screened, stores[1].tally = {"signals": 0}, {"web|raised": 1}
    return Observed(
        partitions=2,
        policy=POLICY.hash,
        policies={POLICY.hash: POLICY},
        residents=RESIDENTS,
        kinds={"sms": Promise.IDEMPOTENT, "phone": Promise.ASKABLE, "visit": Promise.NEITHER}
        | {"payment": Promise.NEITHER},
        healed_at=BEGAN,
        ended_at=ENDED,
        began_at=BEGAN,
        logs=topics.frozen(),
        stores=stores,
        contacts=contacts,
        accepted=accepted,
    )


def usual() -> dict[int, list[tuple[float, BaseModel | bytes]]]:
    """An alert for each resident; the careful one is dissuaded; a record that nobody can read; an alert repeated."""
    careful = alert(CAREFUL, Level.YELLOW, 3)
    return {
        0: [(2, alert(IN_DANGER, Level.RED, 2)), (4, POISON)],
        1: [(3, careful), (100, careful), (400, outcome(f"{CAREFUL}-1", CAREFUL, 400))],
    }
