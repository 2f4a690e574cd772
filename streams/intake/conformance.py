"""Conformance tests for senders: test requests with the expected answers, a list of the signals received, and invented
suspects for payee checks.

Called by the commands with which a feed's operator checks their program.
"""

import gzip
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
from pydantic import ValidationError
from redis.asyncio import Redis

from schemas.base import ANY_VERSION
from schemas.risk.evidence import WatchEntry, WatchStatus
from schemas.risk.payee_checks import PayeeKind
from schemas.risk.signals import batch_adapter
from streams.intake.parsing import JSON, LINES, MOST_ITEMS
from streams.messaging.reader import read_all
from streams.messaging.topics import LANES
from streams.runtime.settings import Settings
from streams.screening.payers import Payers
from streams.screening.subjects import Subjects

PHONE, OTHER_PHONE = "+8614200000001", "+8614200000002"
PAYER, PAYEE = "6200000000000001", "6200000000000002"
Item = dict[str, Any]
SUSPECTS = (  # one for each answer to a payee check
    (PayeeKind.ACCOUNT, PAYER, WatchStatus.CONFIRMED),
    (PayeeKind.ACCOUNT, PAYEE, WatchStatus.REPORTED),
    (PayeeKind.PHONE, PHONE, WatchStatus.CONFIRMED),
    (PayeeKind.LINK, "loan.example", WatchStatus.CONFIRMED),
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A test request to `POST /signals` and the answer that intake must give. `name`, `why`: its name and purpose.
    `media`, `packing`: the body's Content-Type and Content-Encoding (None: none). `keyed`: False if the request lacks
    the source's key.

    `status`: the HTTP status of the answer; `accepted`: the number of accepted signals; `errors`: index and field of
    each faulty item; a field of None means the complete item.
    """

    name: str
    why: str
    body: bytes
    status: int = 202
    accepted: int = 0
    errors: Sequence[tuple[int, str | None]] = ()
    media: str = JSON
    packing: str | None = None
    keyed: bool = True  # whether the request carries the source's key

    def headers(self, key: str) -> dict[str, str]:
        """Return the request's headers. They contain `key` as bearer token unless `keyed` is False."""
        shown = {"Content-Type": self.media}
        shown |= {"Content-Encoding": self.packing} if self.packing else {}
        return shown | ({"Authorization": f"Bearer {key}"} if self.keyed else {})

    def answer(self) -> dict[str, Any]:
        """Return the expected answer: `status` and, for 202 and 422, `accepted` (a number) and `errors` (index and
        field of each).
        """
        taken = {"accepted": self.accepted, "errors": [list(each) for each in self.errors]}
        return {"status": self.status, **(taken if self.status in (202, 422) else {})}


def exchanges(source: str, now: datetime) -> list[Exchange]:
    """Return all test requests for a source, in the order in which they must be sent: requests that intake accepts,
    requests with invalid items, requests that intake refuses completely. `now`: the field `at` of their signals.
    """
    made = _Making(source, now)
    return [*_taken(made), *_spoilt_items(made), *_refused(made)]


def send(client: httpx.Client, exchange: Exchange, key: str) -> dict[str, Any]:
    """Send a test request with the API key `key`, if the exchange has one. Return the actual answer in the form of
    `Exchange.answer`, also for an error status. Raises httpx.HTTPError if no answer arrives, and ValueError, KeyError
    or TypeError if a 202 or 422 is not answered as intake does.
    """
    given = client.post("/signals", content=exchange.body, headers=exchange.headers(key))
    found: dict[str, Any] = {"status": given.status_code}
    if given.status_code in (202, 422):
        read = given.json()
        errors = [[each["item"], each["field"]] for each in read.get("errors", ())]
        found |= {"accepted": read["accepted"], "errors": errors}
    return found


@dataclass(slots=True)
class _Making:
    """Makes example signals, each with its own id."""

    source: str
    now: datetime
    made: int = 0

    def _signal(self, kind: str, **fields: object) -> Item:
        self.made += 1
        name = f"conformance-{self.now:%Y%m%dT%H%M%S}-{self.made}"
        return {"kind": kind, "source": self.source, "id": name, "at": self.now.isoformat(), **fields}

    def transfer(self, **fields: object) -> Item:
        """Return a valid payment signal with these fields changed."""
        usual = {"payer": PAYER, "payee": PAYEE, "amount_fen": 120_000, "channel": "mobile_bank", "state": "pending"}
        return self._signal("transfer", **{**usual, **fields})

    def call(self, **fields: object) -> Item:
        """Return a valid call signal with these fields changed."""
        return self._signal("call", **{"caller": OTHER_PHONE, "called": PHONE, "seconds": 60, **fields})

    def each_kind(self) -> list[Item]:
        """Return one valid signal of each kind that every source may send."""
        return [
            self.transfer(balance_fen=900_000, new_payee=True),
            self.call(number_class="overseas", ongoing=True),
            self._signal("sms", sender="10690000", receiver=PHONE),
            self._signal("app", phone=PHONE, app_kind="brushing", target="shop.example"),
            self._signal("report", phone=PHONE, suspect_account=PAYEE, amount_fen=120_000),
        ]


def _taken(made: _Making) -> Iterator[Exchange]:
    one = made.transfer()
    yield Exchange("one", "a single signal is an object", _json(one), accepted=1)
    yield Exchange("again", "sent again under its id it is accepted, and counts once", _json(one), accepted=1)
    yield Exchange("each-kind", "an array: a signal of each kind", _json(made.each_kind()), accepted=5)
    lines = b"\n\n".join(map(_json, (made.transfer(), made.call())))
    yield Exchange("lines", "NDJSON: one signal a line, blank lines are skipped", lines, accepted=2, media=LINES)
    many = [made.transfer() for _ in range(500)]
    yield Exchange("many", "five hundred in one request", _json(many), accepted=500)
    packed = gzip.compress(_json([made.transfer()]))
    yield Exchange("gzip", "compressed with gzip", packed, accepted=1, packing="gzip")
    yield Exchange("bom", "a byte order mark is skipped", b"\xef\xbb\xbf" + _json(made.call()), accepted=1)
    spelt = made.call(called=" +86 142-0000-0001 ")
    yield Exchange("spelling", "blanks and hyphens in a number are ignored", _json(spelt), accepted=1)
    late = made.transfer(at=(made.now - timedelta(days=2)).isoformat())
    yield Exchange("late", "a signal of two days ago", _json(late), accepted=1)
    settled = made.transfer(state="settled", channel="counter")
    yield Exchange("settled", "a payment that has gone through is accepted too", _json(settled), accepted=1)


def _spoilt_items(made: _Making) -> Iterator[Exchange]:
    def spoilt(name: str, why: str, field: str | None, **fields: object) -> Exchange:
        return Exchange(name, why, _json(made.transfer(**fields)), 422, 0, [(0, field)])

    yield spoilt("unknown-field", "an unknown field may be a misspelt known one", "amount", amount=1)
    yield spoilt("yuan", "money is a whole number of fen", "amount_fen", amount_fen=1200.5)
    yield spoilt("money-as-text", "money is a number", "amount_fen", amount_fen="120000")
    yield spoilt("negative", "money is never negative", "amount_fen", amount_fen=-1)
    yield spoilt("zone", "a time needs its UTC offset", "at", at="2026-03-01T11:12:00")
    yield spoilt("channel", "an unknown payment channel", "channel", channel="pigeon")
    yield spoilt("long-id", "an id has 128 characters at most", "id", id="x" * 129)
    number = made.call(called="12")
    yield Exchange("number", "the called party must be a telephone number", _json(number), 422, 0, [(0, "called")])
    missing = {name: value for name, value in made.transfer().items() if name != "payer"}
    yield Exchange("missing", "a required field is missing", _json(missing), 422, 0, [(0, "payer")])
    good, bad = made.transfer(), made.transfer(state="maybe")
    among = _json([good, bad, made.call()])
    yield Exchange("one-among-good", "one faulty signal does not affect the others", among, 422, 2, [(1, "state")])
    halves = b"\n".join((_json(made.call()), b'{"kind": "call",'))
    yield Exchange("broken-line", "a line that cannot be read", halves, 422, 1, [(1, None)], media=LINES)
    twice = _json(made.call())[:-1] + b', "seconds": 1}'
    yield Exchange("key-twice", "a JSON key given twice is ambiguous", twice, 422, 0, [(0, None)])


def _refused(made: _Making) -> Iterator[Exchange]:
    one = _json(made.transfer())
    yield Exchange("no-key", "the request has no API key", one, 401, keyed=False)
    other = _json(made.transfer(source=f"{made.source[:30]}-x"))
    yield Exchange("another-s", "a key is valid for its own source only", other, 403)
    yield Exchange("form", "only JSON and NDJSON", one, 415, media="application/x-www-form-urlencoded")
    yield Exchange("gb18030", "UTF-8 only", json.dumps({"id": "甲"}, ensure_ascii=False).encode("gb18030"), 400)
    crowd = _json([0] * (MOST_ITEMS + 1))
    yield Exchange("too-many", f"over {MOST_ITEMS:,} in one request", crowd, 413)


def _json(value: Item | Sequence[Item] | Sequence[int]) -> bytes:
    return json.dumps(value).encode()


def exchange_json(exchange: Exchange, source: str) -> Mapping[str, Any]:
    """Return the exchange as JSON values for the list of test requests: its name and purpose, the source, the request's
    headers and the expected answer, without the body. The bearer token is the text KEY.
    """
    return {
        "name": exchange.name,
        "why": exchange.why,
        "source": source,
        "headers": exchange.headers("KEY"),
        "answer": exchange.answer(),
    }


async def received(
    settings: Settings, source: str, since: datetime, until: datetime
) -> AsyncIterator[Mapping[str, str]]:
    """Yield each signal of `source` that is still on a signal topic and arrived from `since` (inclusive) to `until`
    (exclusive).

    Each is a dict with `id`, `kind`, `at` and `arrived` (ISO 8601). A signal sent twice appears twice. Signals of
    different partitions are in no particular order. Errors of Kafka pass through; raises CodecError if this process
    cannot decrypt the signals, and KeyAwaitedError at a record whose private key this process does not have yet.
    """
    for lane in LANES:
        async for record in read_all(settings, lane.name):
            with suppress(ValidationError):  # a record that did not come through intake
                for signal in batch_adapter.validate_json(record.value or b"", extra=ANY_VERSION):
                    if signal.source == source and signal.arrived and since <= signal.arrived < until:
                        times = {"at": signal.at.isoformat(), "arrived": signal.arrived.isoformat()}
                        yield {"id": signal.id, "kind": signal.kind, **times}


async def list_suspects(redis: "Redis", settings: Settings, now: datetime) -> None:
    """Put the invented suspects on the watchlist in Redis, with the time `now`; a newer entry of theirs stays. Raises
    SettingsError in a process without QUANZU_SECRET. Errors of Redis pass through.
    """
    subjects = Subjects(settings.key())
    entries = [
        WatchEntry(subject=subjects.listed(kind, value)[0], standing=standing, at=now)
        for kind, value, standing in SUSPECTS
    ]
    await Payers(redis, settings.partitions).put_back(entries)
