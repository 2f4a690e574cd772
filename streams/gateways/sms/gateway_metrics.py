"""The SMS gateway's metrics. No label has a telephone number or a text; the carriers are those of the configuration."""

from enum import StrEnum

from prometheus_client import Counter, Gauge, Histogram

from domain.carriers.outcome import SegmentState, SubmitAnswer
from domain.carriers.segments import MessageScript
from schemas.channels.receipts import SmsState
from streams.gateways.sms.journal_replies import ReplyTaking


class DeliveryFault(StrEnum):
    """The reason why a carrier's delivery was not taken.

    UNREADABLE: it cannot be read. NAMELESS: a receipt without a readable id or state. NOT_STORED: the disk refuses it.
    FAILED: any other error.
    """

    UNREADABLE = "unreadable"
    NAMELESS = "nameless"
    NOT_STORED = "not_stored"
    FAILED = "failed"


LATENCIES = (0.01, 0.03, 0.1, 0.3, 1, 3, 5, 10, 30, 60, 300, 1800, 7200)

SUBMITTED = Counter(
    "quanzu_sms_submitted_total",
    "Segments that went to a carrier, by its answer; doubt: none came",
    ["carrier", "answer"],
)
RECEIVED = Counter("quanzu_sms_receipts_total", "Delivery receipts of carriers, by result", ["carrier", "result"])
FAULTS = Counter(
    "quanzu_sms_delivery_faults_total", "Deliveries of carriers that were not taken, by reason", ["carrier", "fault"]
)
REPLIES = Counter(
    "quanzu_sms_replies_total",
    "Messages from telephones, and parts of long ones; unknown: from one that was not written to",
    ["carrier", "taking"],
)
REPLIES_UNTOLD = Counter("quanzu_sms_replies_untold_total", "Attempts to pass on a reply that Quanzu did not take")
TAKEN = Counter("quanzu_sms_orders_total", "Orders taken, by the probable language of the text", ["language"])
SEGMENTS = Counter("quanzu_sms_segments_total", "Segments of the orders taken, by the text's language", ["language"])
EXPIRED = Counter("quanzu_sms_expired_total", "Messages that no carrier could be given in time")
IN_DOUBT = Gauge("quanzu_sms_in_doubt", "Messages that nobody knows whether the carrier has; they are never sent again")
WAITING = Gauge("quanzu_sms_waiting", "Messages that wait for a carrier")
UNTOLD = Counter("quanzu_sms_receipts_untold_total", "Attempts to report a result that Quanzu did not accept")
ANSWER = Histogram(
    "quanzu_sms_answer_seconds", "From a segment on the wire to the answer", ["carrier"], buckets=LATENCIES
)
RECEIPT = Histogram(
    "quanzu_sms_receipt_seconds", "From a segment on the wire to its receipt", ["carrier"], buckets=LATENCIES
)
WINDOW = Gauge("quanzu_sms_window_used", "Segments at a carrier without an answer yet", ["carrier"])
BOUND = Gauge("quanzu_sms_bound", "Whether a carrier is connected", ["carrier"])
SLOW = Gauge("quanzu_sms_slow", "Whether a carrier's messages are late, so that others are preferred", ["carrier"])

CARRIER_DAY = Gauge(
    "quanzu_sms_carrier_day",
    "The carrier's own figures of the day (CMPP_QUERY), by what they count",
    ["carrier", "counted"],
)


def begin(carriers: list[str]) -> None:
    """Create, with the value 0, every series of the counters and those of the window, bound and slow gauges, for the
    carriers with these names. If a series appeared with its first event, Prometheus would count that event in no rate.
    """
    for carrier in carriers:
        for answer in (*SubmitAnswer, SegmentState.DOUBT):
            SUBMITTED.labels(carrier, answer)
        for result in SmsState:
            RECEIVED.labels(carrier, result)
        for gauge in (WINDOW, BOUND, SLOW):
            gauge.labels(carrier).set(0)
        for taking in ReplyTaking:
            REPLIES.labels(carrier, taking)
        for fault in DeliveryFault:
            FAULTS.labels(carrier, fault)
    for language in MessageScript:
        TAKEN.labels(language)
        SEGMENTS.labels(language)
