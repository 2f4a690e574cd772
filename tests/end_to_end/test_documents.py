"""What other programs are told of the line is so: records fit their schemas, and intake's routes are described."""

from typing import Any

import orjson
import pytest
from starlette.routing import Route

from schemas.administration.dead_letters import letter_adapter
from schemas.risk.signals import TransferState
from streams.casework.checkpoints.schedule import Checkpoints
from streams.channels import receipts
from streams.channels.operator_calls.reports import report_routes
from streams.channels.provinces.receiving import routes as handover_routes
from streams.channels.settings import load as load_channels
from streams.dead_letters import api as letters_api
from streams.intake import objections, reported_frauds
from streams.intake.server import create_app
from streams.intake.settings import load as load_intake
from streams.messaging import topics
from streams.messaging.producer import Record
from streams.messaging.topics import home
from tests.documents.answers import routes
from tests.documents.records import held, tails
from tests.end_to_end.harness.rig import Line
from tests.end_to_end.harness.signals import call, confirmed, scam_app, transfer

# Written only by the console or for it, and held in tests/console (accounts/test_access.py, cases/test_evidence.py,
# operator_calls/test_recordings.py); or by a worker once an hour (feeds).
# Of no day on an embedded line: nobody is asked about a hot account there, no epoch is kept, there is no vault, no
# other province, no community that shares suspects, and its number of partitions stays.
RARE = (
    *(topics.CALLS, topics.FEEDS, topics.SHADOW, topics.PAYERS_REQUESTS, topics.EPOCHS, topics.VAULTS),
    *(topics.PLACES, topics.REPORTED_FRAUDS, topics.FRAUD_MATCHES, topics.DISPATCHES_PROVINCE),
    *(topics.PARTITION_COUNT, topics.SHARED_SUSPECTS),
)
ELSEWHERE = {
    topic.name
    for topic in (
        *topics.CONSOLES,
        *(topics.EVIDENCE_FILES, topics.CALL_RECORDINGS, topics.SECURITY_EVENTS, topics.PRESERVED),
        *RARE,
    )
}

POISON = b'[{"kind": "none"}]'


async def test_every_record_of_a_day_on_the_line_fits_its_schema(line: Line) -> None:
    since, house = await tails(line.house.settings), line.house
    await line.officers("officer-documents")
    await line.policy(lambda text: f"{text}\n# another hash\n")
    grave, mild, payer = await line.resident(friends=1), await line.resident(), await line.resident()
    mule = line.account()
    await line.signal(call(line, grave, ongoing=True), transfer(line, grave, mule), confirmed(line, mule))
    await line.signal(scam_app(line, mild))
    gone: dict[str, Any] = {"state": TransferState.SETTLED, "new_payee": False}
    await line.signal(transfer(line, payer, mule, **gone))  # orange: its stop is on dispatches.payment
    await house.line.producer.send_all([Record(topics.SIGNALS.name, b"0", POISON, 0)])
    hold = await line.hold(channel="visit")
    await line.advance(minutes=40)
    await line.lift(hold)
    await line.dissuade(grave)
    await line.advance(hours=9)  # to the evening, when people are at home to be visited
    everything = range(house.settings.partitions)
    await Checkpoints(house.line.casework_context).write(home(grave.id, len(everything)), lambda: everything)
    found = await held(house.settings, since)
    letters = [letter_adapter.validate_json(value) for value in await line.dead_letters()]
    refused = [str(letter.where) for letter in letters if letter.content == orjson.dumps(orjson.loads(POISON)[0])]
    assert [fault.partition(": ")[0] + "/0" for fault in found.faults] == refused  # and the schemas refuse it too
    assert found.topics >= {topic.name for topic in topics.ALL} - ELSEWHERE


async def test_every_route_of_intake_is_described_and_no_other(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANZU_PROVINCES", "liaoning=http://127.0.0.1:1")
    settings, intake, own = line.house.settings, load_intake(), line.house.line
    beside = [
        *receipts.routes(own.outgoing, load_channels()),
        *report_routes(own.outgoing, load_channels()),
        *objections.routes(settings, intake, own.outgoing),
        *reported_frauds.routes(settings, intake, own.outgoing),
        *letters_api.routes(settings, intake, own.producer, own.clock),
        *handover_routes(own.outgoing, load_channels()),
    ]
    app = create_app(settings, intake, own.clock, beside)
    served = {
        (method, route.path.replace(":path", ""))
        for route in app.routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert served == routes()
