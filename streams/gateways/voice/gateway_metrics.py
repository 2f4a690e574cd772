"""The metrics of the voice gateway, which its process serves on [orders] metrics_port.

No label identifies a person: results, sources and outcomes have few values each.
"""

from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

SETUP_BUCKETS = (0.1, 0.3, 1, 3, 5, 10, 20, 30, 45, 60, 120)  # seconds; a telephone rings for up to two minutes
LATE_BUCKETS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.08, 0.2)  # seconds; over 0.06 it is heard

CALLS = Counter("quanzu_voice_calls_total", "Automated calls that have ended, by result", ["result"])
SPOKEN = Counter("quanzu_voice_messages_total", "Messages prepared, by what says them", ["source"])
CONCURRENT = Gauge("quanzu_voice_calls_concurrent", "Automated calls under way")
WAITING = Gauge("quanzu_voice_orders_waiting", "Orders that wait for a free line")
IN_DOUBT = Gauge("quanzu_voice_calls_in_doubt", "Calls begun by a process that died; never dialled again")
TRUNK_UP = Gauge("quanzu_voice_trunk_up", "Whether the trunk answers, and has registered this end if it must")
SETUP = Histogram(
    "quanzu_voice_setup_seconds",
    "From dialling an automated call, by SIP or Asterisk, until it is answered, refused or given up, ringing included",
    buckets=SETUP_BUCKETS,
)
LATE = Histogram(
    "quanzu_voice_packet_delay_seconds",
    "Delay of the clock that sends sound every 20 ms, while there are calls",
    buckets=LATE_BUCKETS,
)
RECEIPTS = Counter("quanzu_voice_receipts_total", "Attempts to report a result, by how they went", ["outcome"])
OPERATOR_CALLS = Counter("quanzu_voice_operator_calls_total", "Operators' calls that have ended, by result", ["result"])
OPERATORS_TALKING = Gauge("quanzu_voice_operator_calls_concurrent", "Operators' calls under way")
INCOMING = Counter("quanzu_voice_incoming_calls_total", "Calls to the centre that have ended, by result", ["result"])
INCOMING_REFUSED = Counter("quanzu_voice_incoming_refused_total", "Calls to the centre not taken, by reason", ["why"])
INCOMING_WAITING = Gauge("quanzu_voice_incoming_waiting", "Callers whom no operator has answered yet")
INCOMING_LONGEST = Gauge("quanzu_voice_incoming_longest_wait_seconds", "How long the first caller has waited")
INCOMING_ALARM = Gauge("quanzu_voice_incoming_alarm_seconds", "Wait of a caller from which on an alarm is raised")
INCOMING_TALKS = Gauge("quanzu_voice_incoming_calls_concurrent", "Calls to the centre under way, with those waiting")
OPERATORS_READY = Gauge("quanzu_voice_operators_ready", "Operators who take calls, with those on the phone")


def follow_queue(waiting: Callable[[], int], longest: Callable[[], float], ready: Callable[[], int]) -> None:
    """Have the gauges of the queue call these functions whenever they are read: the number of callers whom no operator
    has answered, the seconds for which the first one has waited, and the number of operators who are ready.
    """
    INCOMING_WAITING.set_function(waiting)
    INCOMING_LONGEST.set_function(longest)
    OPERATORS_READY.set_function(ready)


def follow_gateway(waiting: Callable[[], int], trunk_up: Callable[[], bool]) -> None:
    """Have two gauges call these functions whenever they are read: the number of waiting orders, and whether the trunk
    is up.
    """
    WAITING.set_function(waiting)
    TRUNK_UP.set_function(trunk_up)
