"""POST /v1/reported-frauds: the police's records of frauds, with their source's key.

Records are validated, their numbers normalized and the ID number hashed, before they are written to Kafka; a worker
matches them to residents (agents/reports.py). A record that is sent again counts once. No name and no number is
in a log line, metric label or URL.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from prometheus_client import Counter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.feeds.source_rights import SourceRight, SourceRights, refusal
from domain.identity.id_keys import IdKeys
from domain.identity.identifiers import normal_account, normal_phone
from schemas.errors import field_name
from schemas.risk.reported_frauds import MOST_ACCOUNTS, ReportedFraud
from streams.intake.acceptor import LONGEST_NUMBER, MOST_FAULTS, MOST_FIELDS, Fault, Unreadable
from streams.intake.admission import Admission
from streams.intake.parsing import LINES, XML, BodyError, TooManyError, items_of_body, items_of_lines, media_type
from streams.intake.rate import Rate
from streams.intake.settings import Feed, IntakeSettings
from streams.intake.writing import writing
from streams.messaging import sources
from streams.messaging.producer import Producer, Record
from streams.messaging.topics import REPORTED_FRAUDS, shard_of
from streams.runtime.clock import Clock
from streams.runtime.serving import Refused, read_body
from streams.runtime.settings import Settings

TAKEN = Counter(
    "quanzu_reported_frauds_accepted", "Police records of frauds accepted by intake and written to Kafka", ["source"]
)
AWAY = {"Retry-After": "5"}
CORRECT = "Correct it and send this record again"
_PLAIN = {
    "missing": ("the field is missing", "Add it"),
    "extra_forbidden": ("no such field in a record of a reported fraud", "Leave it out, or correct its name"),
}


@dataclass(frozen=True, slots=True)
class ExaminedFrauds:
    """The valid records, each with its item's index, and the faults of the other items."""

    good: list[tuple[int, ReportedFraud]]
    faults: list[Fault]

    @property
    def records(self) -> list[ReportedFraud]:
        """The valid records, in the items' order."""
        return [record for _, record in self.good]


def examine_frauds(items: Iterable[object], now: datetime, rights: SourceRights, keys: IdKeys) -> ExaminedFrauds:
    """Return the valid records and the faults of `items`, each with its item's index (from 0). An item may have several
    faults; an invalid item raises nothing.

    `id_number` is replaced by its hash under the key in force (`keys`); a time `reported_at` in the future becomes
    `now`. A record of a source without the right to report frauds (`rights`) is a fault. No fault contains an item's
    value.
    """
    found = ExaminedFrauds([], [])
    for index, item in enumerate(items):
        record = _examined(index, item, now, keys)
        if isinstance(record, ReportedFraud) and not rights.may_report_frauds(record.source):
            record = [Fault(index, "source", *refusal(SourceRight.REPORTED_FRAUD))]
        if isinstance(record, ReportedFraud):
            found.good.append((index, record))
        else:
            found.faults.extend(replace(fault, id=_own_id(item)) for fault in record)
    return found


async def write_frauds(producer: Producer, records: Sequence[ReportedFraud], partitions: int) -> None:
    """Write records to Kafka, count them in the metric, and return once Kafka has acknowledged all. All versions of a
    record are in one partition, in their order. `partitions`: the number of partitions of the topic.

    Waits while Kafka is unavailable. Raises SendError if Kafka refuses a record permanently, and CodecError or
    SettingsError if one cannot be encrypted.
    """
    await producer.send_all(
        [
            Record(
                REPORTED_FRAUDS.name,
                record.uid.encode(),
                record.model_dump_json().encode(),
                shard_of(record.uid, partitions),
            )
            for record in records
        ]
    )
    for record in records:
        TAKEN.labels(sources.label(record.source)).inc()


class FraudIntakeContext(Protocol):
    """The resources of intake's process: its clock and Kafka producer."""

    clock: Clock
    producer: Producer


class FraudIntake:
    """The handler of POST /v1/reported-frauds."""

    def __init__(self, settings: Settings, intake: IntakeSettings, context: FraudIntakeContext) -> None:
        self._admission = Admission(settings, intake)
        self._rate = Rate(settings, intake)
        self._rights, self._keys = settings.rights(), settings.id_number_keys()
        self._producer, self._clock = context.producer, context.clock
        self._partitions = settings.partitions

    async def post(self, request: Request) -> Response:
        """Accept one record, an array, or NDJSON.

        Answers 202 if Kafka has all; 422 with the errors if items are invalid, and the valid ones are accepted. Raises
        Refused: 400, 401, 403 (also if a record is of another source than the key: then none is accepted), 408, 413,
        415, 429, or 503 while Kafka is unavailable or the records cannot be encrypted.
        """
        feed = self._admission.feed(request)
        items = await _items(request)
        await self._rate.require(feed.source or "*", len(items))
        found = examine_frauds(items, self._clock.now(), self._rights, self._keys)
        _require_own(feed, found)
        async with writing("records of frauds", _away):
            await write_frauds(self._producer, found.records, self._partitions)
        taken: dict[str, Any] = {"accepted": len(found.good), "ids": [record.id for record in found.records]}
        if not found.faults:
            return JSONResponse(taken, 202)
        return JSONResponse({**taken, "errors": [asdict(fault) for fault in found.faults]}, 422)


def routes(settings: Settings, intake: IntakeSettings, context: FraudIntakeContext) -> list[Route]:
    """Return the route of POST /v1/reported-frauds. Raises SettingsError if the API keys or the rate are invalid, or
    this process has no QUANZU_SECRET.
    """
    return [Route("/v1/reported-frauds", FraudIntake(settings, intake, context).post, methods=["POST"])]


async def _items(request: Request) -> list[object]:
    kind = media_type(request)
    if kind == XML:
        raise Refused(415, "the content type is not JSON", f"Send Content-Type: application/json or {LINES}")
    body = await read_body(request)
    try:
        return items_of_lines(body) if kind == LINES else items_of_body(body)
    except TooManyError:
        raise Refused(413, "too many records in one request", "Send the records in several requests") from None
    except BodyError as error:
        raise Refused(400, str(error), "Send JSON: one record, an array of them, or NDJSON") from None


def _require_own(feed: Feed, found: ExaminedFrauds) -> None:
    if foreign := [index for index, record in found.good if not feed.may_send(record.source)]:
        what = f"items {foreign[:10]}: this key is for the source {feed.source}"
        raise Refused(403, what, "Use the key of the records' source; nothing of this request was taken")


def _away() -> Refused:
    return Refused(503, "Kafka is away", "Send the records again in 5 s; their ids keep them from counting twice", AWAY)


def _examined(index: int, item: object, now: datetime, keys: IdKeys) -> ReportedFraud | list[Fault]:
    if isinstance(item, Unreadable):
        return [Fault(index, None, item.what, item.do)]
    if not isinstance(item, dict):
        return [Fault(index, None, "not an object", "Send each record as a JSON object")]
    if len(item) > MOST_FIELDS:
        return [Fault(index, None, f"over {MOST_FIELDS} fields", "Leave out fields that a record lacks")]
    spelt, faults = _spelt(index, item, keys)
    try:
        record = ReportedFraud.model_validate(spelt)
    except ValidationError as error:
        named = {fault.field for fault in faults}
        details = error.errors(include_url=False, include_input=False, include_context=False)
        more = [_fault(index, detail) for detail in details]
        return (faults + [fault for fault in more if fault.field not in named])[:MOST_FAULTS]
    if faults:
        return faults
    return record.model_copy(update={"reported_at": min(record.reported_at, now)})


def _spelt(index: int, item: dict[Any, Any], keys: IdKeys) -> tuple[dict[Any, Any], list[Fault]]:
    """Return a copy of the item with normalized numbers and the ID number hashed, and a fault for each invalid one."""
    spelt, faults = dict(item), []
    if (number := spelt.pop("id_number", None)) is not None:
        hashed = keys.hash_of_text(number) if isinstance(number, str) and len(number) <= LONGEST_NUMBER else None
        if hashed is None:
            faults.append(Fault(index, "id_number", "not a valid ID number", f"{CORRECT}, or leave it out"))
        elif "id_hash" in spelt:
            faults.append(Fault(index, "id_number", "an ID number and its hash", "Send one of them"))
        spelt["id_hash"] = hashed
    phone, accounts = spelt.get("phone"), spelt.get("accounts")
    try:
        if isinstance(phone, str) and len(phone) <= LONGEST_NUMBER:
            spelt["phone"] = normal_phone(phone)
    except ValueError as error:
        faults.append(Fault(index, "phone", str(error), CORRECT))
    try:
        if isinstance(accounts, list) and len(accounts) <= MOST_ACCOUNTS:
            spelt["accounts"] = [_account(each) for each in accounts]
    except ValueError as error:
        faults.append(Fault(index, "accounts", str(error), CORRECT))
    return spelt, faults


def _account(raw: object) -> object:
    return normal_account(raw) if isinstance(raw, str) and len(raw) <= LONGEST_NUMBER else raw


def _fault(index: int, detail: Any) -> Fault:  # noqa: ANN401 - pydantic's own dict
    name = field_name(detail["loc"][0]) if detail["loc"] else None
    what, do = _PLAIN.get(detail["type"], (str(detail["msg"]).removeprefix("Value error, "), CORRECT))
    return Fault(index, name, what, do)


def _own_id(item: object) -> str | None:
    raw = item.get("id") if isinstance(item, dict) else None
    return raw if isinstance(raw, str) and len(raw) <= LONGEST_NUMBER and raw.isprintable() else None
