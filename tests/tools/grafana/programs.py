"""What runs beside the demo in an installation, and has panels: the gateways, officers who have telephones,
another centre that shares suspects, and people who ask the public check.

The gateways and the console are programs of their own, and the demo's officers have no telephones. What these would
count is counted here once a second, by the product's own metrics, so that every panel's query finds series of these
names and labels. That the gateways, the console and the worker count so, their own tests show.
"""

import asyncio

from console.web.check import check_metrics as check
from domain.carriers.outcome import SubmitAnswer
from domain.carriers.segments import MessageScript
from schemas.channels.receipts import SmsState
from schemas.people.escalations import OfficerRung, RungResult
from streams.channels import escalating, push
from streams.gateways.sms import gateway_metrics as sms
from streams.gateways.sms.journal_replies import ReplyTaking
from streams.gateways.voice import gateway_metrics as voice
from streams.intake.formats.stix import STIX_OBJECTS

CARRIER = "carrier-a"


async def count() -> None:
    """Count once a second, until cancelled."""
    sms.begin([CARRIER])
    voice.follow_gateway(lambda: 1, lambda: True)
    voice.follow_queue(lambda: 1, lambda: 5.0, lambda: 2)
    while True:
        _messages()
        _calls()
        _officers()
        STIX_OBJECTS.labels("another-centre", "accepted").inc()
        check.count_outcome(check.CheckOutcome.ANSWERED, 1)
        check.SECONDS.observe(0.01)
        await asyncio.sleep(1)


def _messages() -> None:
    for language in MessageScript:
        sms.TAKEN.labels(language).inc()
        sms.SEGMENTS.labels(language).inc(2)
    sms.SUBMITTED.labels(CARRIER, SubmitAnswer.TAKEN).inc()
    sms.RECEIVED.labels(CARRIER, SmsState.DELIVERED).inc()
    sms.ANSWER.labels(CARRIER).observe(0.1)
    sms.RECEIPT.labels(CARRIER).observe(2)
    sms.REPLIES.labels(CARRIER, ReplyTaking.STORED).inc()
    sms.REPLIES_UNTOLD.inc()
    sms.CARRIER_DAY.labels(CARRIER, "delivered").set(1)
    sms.EXPIRED.inc()
    sms.UNTOLD.inc()
    for gauge in (sms.WINDOW, sms.BOUND, sms.SLOW):
        gauge.labels(CARRIER).set(1)
    sms.WAITING.set(1)
    sms.IN_DOUBT.set(1)


def _calls() -> None:
    voice.CALLS.labels("acknowledged").inc()
    voice.SPOKEN.labels("recording").inc()
    voice.RECEIPTS.labels("accepted").inc()
    voice.SETUP.observe(3)
    voice.LATE.observe(0.005)
    voice.CONCURRENT.set(1)
    voice.OPERATOR_CALLS.labels("answered").inc()
    voice.OPERATORS_TALKING.set(1)
    voice.INCOMING.labels("answered").inc()
    voice.INCOMING_REFUSED.labels("too_many").inc()
    voice.INCOMING_ALARM.set(60)
    voice.INCOMING_TALKS.set(2)
    voice.IN_DOUBT.set(0)


def _officers() -> None:
    push.PUSHES.labels("accepted").inc()
    escalating.RUNGS.labels(OfficerRung.PUSH, RungResult.SENT).inc()
    escalating.ACCEPTED.labels(OfficerRung.PUSH).observe(12)
