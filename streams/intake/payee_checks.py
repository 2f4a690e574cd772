"""POST /v1/payees/check: a bank asks about payees before it pays. POST /v1/payees/check/abandoned: the bank reports
that its customer abandoned the payment after an answer.

The answer contains only what the watchlist in Redis has, and nothing about residents or cases. The payees asked about
are in no log line, metric label or URL. The check needs neither Kafka nor a worker.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from itertools import chain
from typing import Any, TypeVar

from prometheus_client import Counter, Histogram
from pydantic import BaseModel, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from domain.payments.payee_checks import ABANDONED_WITHIN, RANDOM, PayeeCheckResult, answer_named, check_name, known_of
from schemas.errors import field_name
from schemas.risk.payee_checks import (
    MOST_SUBJECTS,
    AbandonedCheck,
    PayeeFound,
    PayeeKind,
    PayeesFound,
    PayeeSubject,
)
from streams.intake.acceptor import MOST_FAULTS, MOST_FIELDS, Fault, Unreadable
from streams.intake.admission import Admission
from streams.intake.parsing import LINES, BodyError, TooManyError, items_of_body, media_type
from streams.intake.rate import Rate
from streams.intake.settings import Feed, IntakeSettings, may_check_payees
from streams.messaging import sources
from streams.runtime.clock import Clock
from streams.runtime.serving import Refused, read_body
from streams.runtime.settings import Settings
from streams.screening.payers import spread
from streams.screening.subjects import Subjects
from streams.screening.watchlist import NotWholeError, Watchlist
from streams.state import locks
from streams.state.keys import key
from streams.state.shared_state import OtherInstallationError

log = logging.getLogger(__name__)

BODY_BYTES = 2**19  # more than the most subjects with the longest values
STORE_SECONDS = 1.0  # that a request waits for Redis before it is answered with 503
QUIET_SECONDS = 10.0  # between two warnings that it does not answer: there are hundreds of questions a second
AWAY_SECONDS = 1  # Retry-After in such an answer: the payment waits
REMEMBERED = 2 * ABANDONED_WITHIN  # that an abandoned payment was counted
CHECKS_EACH = 100  # abandoned payment: the rate of checks lets a hundredth as many be told, for each is kept in Redis
EVERYBODY = "*"  # the holder of an embedded installation's key
UNAVAILABLE = "unavailable"
BUCKETS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1)

CHECKS = Counter(
    "quanzu_payee_checks_total", "Payees that banks asked about before they paid, by the answer", ["source", "answer"]
)
ABANDONED = Counter(
    "quanzu_payee_checks_abandoned_total",
    "Payments that customers abandoned after a payee check, by its answer; never added to dissuaded or loss avoided",
    ["source", "answer"],
)
CHECK_SECONDS = Histogram(
    "quanzu_payee_check_seconds", "From a request for payee checks to its answer", buckets=BUCKETS
)

Given = TypeVar("Given", bound=BaseModel)


@dataclass(slots=True)
class _Asked:
    """The watchlist subjects of each payee, and the faults of the invalid items."""

    subjects: list[list[str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


class PayeeChecks:
    """The handlers of the two payee check routes."""

    def __init__(
        self, settings: Settings, intake: IntakeSettings, clock: Clock, admission: Admission, redis: "Redis"
    ) -> None:
        self._clock, self._admission, self._redis = clock, admission, redis
        self._may_ask = may_check_payees(intake)
        self._rate = Rate(settings, intake, "payee_checks")
        self._abandoned_rate = Rate(settings, intake, "abandoned_checks")
        self._secret, self._partitions = settings.key(), settings.partitions
        self._subjects = Subjects(self._secret)
        self._warned = -QUIET_SECONDS
        self._watchlist = Watchlist(redis, settings, STORE_SECONDS)

    async def check(self, request: Request) -> Response:
        """Answer whether the watchlist has one payee, or each payee of an array of at most 100.

        Answers 200 with one answer for each payee, in order; 422 with the errors, looking up no payee, if any item is
        invalid. Raises Refused: 400, 401, 403, 408, 413, 415, 429, or 503 while the watchlist cannot be read, so that
        no payee is called unknown because of that.
        """
        began = time.perf_counter()
        feed = self._bank(request)
        items = await _items(request)
        await self._rate.require(feed.source or EVERYBODY, len(items))
        asked = self._asked(items)
        if asked.faults:
            return _faulty(asked.faults)
        found = PayeesFound(answers=[self._named(feed, known) for known in await self._known(feed, asked.subjects)])
        for each in found.answers:
            CHECKS.labels(_label(feed), each.answer).inc()
        CHECK_SECONDS.observe(time.perf_counter() - began)
        return Response(found.model_dump_json(), media_type="application/json")

    async def abandoned(self, request: Request) -> Response:
        """Count a payment that the customer abandoned after a check.

        Answers 200 with `counted`: true, or false for a repeated report, which is not counted again; 422 if the item is
        invalid, or this source did not get the named answer within the last day. Raises Refused: 400, 401, 403, 408,
        413, 415, 429, or 503 while Redis is unavailable.
        """
        feed = self._bank(request)
        items = await _items(request)
        await self._abandoned_rate.require(feed.source or EVERYBODY, CHECKS_EACH)
        if len(items) != 1:
            raise Refused(400, "not one abandoned check", 'Send {"check": ...} with the name of one answer')
        given = _read(AbandonedCheck, 0, items[0])
        if isinstance(given, list):
            return _faulty(given)
        try:
            answer = answer_named(self._secret, feed.source or EVERYBODY, given.check, self._clock.now())
        except ValueError as error:
            return _faulty([Fault(0, "check", str(error), "Send the name that this source was answered, within a day")])
        counted = await self._first(feed, given.check)
        if counted:
            ABANDONED.labels(_label(feed), answer).inc()
        return JSONResponse({"counted": counted})

    def _bank(self, request: Request) -> Feed:
        feed = self._admission.feed(request)
        if feed.source is not None and feed.source not in self._may_ask:
            do = "Have the centre name the source in QUANZU_PAYEE_CHECKS"
            raise Refused(403, f"the source {feed.source} may not ask about payees", do)
        return feed

    def _asked(self, items: Sequence[object]) -> _Asked:
        asked = _Asked()
        for index, item in enumerate(items):
            subject = _read(PayeeSubject, index, item)
            if isinstance(subject, list):
                asked.faults += subject
            elif subject.bank is not None and subject.subject is not PayeeKind.ACCOUNT:
                asked.faults.append(Fault(index, "bank", "only an account has a bank", "Leave it out"))
            else:
                self._add(asked, index, subject)
        return asked

    def _add(self, asked: _Asked, index: int, subject: PayeeSubject) -> None:
        try:
            asked.subjects.append(self._subjects.listed(subject.subject, subject.value))
        except ValueError as error:
            asked.faults.append(Fault(index, "value", str(error), "Correct it and ask again"))

    async def _known(self, feed: Feed, asked: Sequence[Sequence[str]]) -> list[PayeeCheckResult]:
        try:
            async with asyncio.timeout(STORE_SECONDS):
                entries = await self._watchlist.entries(chain.from_iterable(asked))
        except (RedisError, OSError, NotWholeError, OtherInstallationError) as error:
            CHECKS.labels(_label(feed), UNAVAILABLE).inc(len(asked))
            raise self._away(error) from None
        return [known_of([entries.get(subject) for subject in subjects]) for subjects in asked]

    def _named(self, feed: Feed, known: PayeeCheckResult) -> PayeeFound:
        now, source = self._clock.now(), feed.source or EVERYBODY
        name = check_name(self._secret, source, known.answer, now, secrets.token_bytes(RANDOM))
        return PayeeFound(answer=known.answer, reason=known.reason, since=known.since, check=name)

    async def _first(self, feed: Feed, name: str) -> bool:
        """Return whether this is the first report of the abandoned check `name`, over all processes of intake."""
        where = f"{key('abandoned', spread(name, self._partitions))}:{name}"
        try:
            async with asyncio.timeout(STORE_SECONDS):
                return await locks.take(self._redis, where, round(REMEMBERED / timedelta(milliseconds=1)))
        except (RedisError, OSError) as error:
            raise self._away(error) from None

    def _away(self, error: Exception) -> Refused:
        """Return the refusal (503) of a request for which Redis was unavailable, and log a warning, at most one in
        QUIET_SECONDS.

        The log has no text of Redis' errors, because they repeat commands.
        """
        known = isinstance(error, NotWholeError | OtherInstallationError)
        if time.monotonic() - self._warned >= QUIET_SECONDS:
            self._warned = time.monotonic()
            log.warning("payee checks are answered with 503: %s", error if known else type(error).__name__)
        do = f"Ask again in {AWAY_SECONDS} s. This says nothing about the payee"
        return Refused(503, "the watchlist cannot be read now", do, {"Retry-After": str(AWAY_SECONDS)})


async def _items(request: Request) -> list[Any]:
    if media_type(request) == LINES:
        raise Refused(415, "the content type is not JSON", "Send Content-Type: application/json")
    body = await read_body(request, BODY_BYTES)
    try:
        items = items_of_body(body)
    except TooManyError:
        raise _too_many() from None
    except BodyError as error:
        raise Refused(400, str(error), "Send JSON: one object, or an array of them") from None
    if len(items) > MOST_SUBJECTS:
        raise _too_many()
    return items


def _too_many() -> Refused:
    return Refused(413, f"over {MOST_SUBJECTS} payees in one request", "Ask in several requests")


def _read(model: type[Given], index: int, item: object) -> Given | list[Fault]:
    """Return the item parsed as `model`, or its faults, which never contain the item's values."""
    if isinstance(item, Unreadable):
        return [Fault(index, None, item.what, item.do)]
    if not isinstance(item, dict):
        return [Fault(index, None, "not an object", "Send a JSON object")]
    if len(item) > MOST_FIELDS:
        return [Fault(index, None, f"over {MOST_FIELDS} fields", "Leave out unknown fields")]
    try:
        return model.model_validate(item)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)
        return [_fault(index, detail) for detail in details[:MOST_FAULTS]]


def _fault(index: int, detail: Any) -> Fault:  # noqa: ANN401 - pydantic's own dict
    name = field_name(detail["loc"][0]) if detail["loc"] else None  # a key may be no text: half a surrogate
    match detail["type"]:
        case "missing":
            return Fault(index, name, "the field is missing", "Add it")
        case "extra_forbidden":
            return Fault(index, name, "no such field", "Leave it out, or correct its name")
        case _:
            return Fault(index, name, str(detail["msg"]), "Correct it and ask again")


def _faulty(faults: Sequence[Fault]) -> Response:
    return JSONResponse({"errors": [asdict(fault) for fault in faults]}, 422)


def _label(feed: Feed) -> str:
    return sources.label(feed.source or EVERYBODY)
