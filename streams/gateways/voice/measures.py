"""The metrics of the voice gateway, which its process serves on [orders] metrics_port.

No label identifies anybody: results, sources and outcomes have few values each.
"""

from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

SETUP_BUCKETS = (0.1, 0.3, 1, 3, 5, 10, 20, 30, 45, 60, 120)  # seconds; a telephone rings for up to two minutes
LATE_BUCKETS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.08, 0.2)  # seconds; over 0.06 it is heard

VOICE_CALLS = Counter("quanzu_voice_calls_total", "Automated calls that have ended, by result", ["result"])
VOICE_SPOKEN = Counter("quanzu_voice_messages_total", "Messages prepared, by what says them", ["source"])
VOICE_CONCURRENT = Gauge("quanzu_voice_calls_concurrent", "Automated calls under way")
VOICE_WAITING = Gauge("quanzu_voice_orders_waiting", "Orders that wait for a free line")
VOICE_IN_DOUBT = Gauge("quanzu_voice_calls_in_doubt", "Calls begun by a process that died; never dialled again")
VOICE_TRUNK_UP = Gauge("quanzu_voice_trunk_up", "Whether the trunk answers, and has registered this end if it must")
VOICE_SETUP = Histogram(
    "quanzu_voice_setup_seconds",
    "From the INVITE to the final answer of the trunk",
    buckets=SETUP_BUCKETS,
)
VOICE_LATE = Histogram(
    "quanzu_voice_packet_delay_seconds",
    "Delay of the clock that sends sound every 20 ms, while there are calls",
    buckets=LATE_BUCKETS,
)
VOICE_RECEIPTS = Counter("quanzu_voice_receipts_total", "Attempts to report a result, by how they went", ["outcome"])


def follow_gateway(waiting: Callable[[], int], trunk_up: Callable[[], bool]) -> None:
    """Let the gauges of waiting orders and of the trunk ask these whenever they are read."""
    VOICE_WAITING.set_function(waiting)
    VOICE_TRUNK_UP.set_function(trunk_up)
