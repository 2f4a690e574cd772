"""The metrics of workers for Prometheus. No label contains personal data, and each label has a bounded set of values.

streams/messaging/sources.py bounds the values of the label `source`.
"""

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from platform import python_version
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import Counter, Gauge, Histogram, Info, disable_created_metrics, make_wsgi_app

from streams.runtime.settings import SettingsError

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the series and are not used

BUILD = Info("quanzu_build", "Versions of Quanzu, Python and Faust")
BUILD.info({"version": version("quanzu"), "python": python_version(), "faust": version("faust-streaming")})

REQUEST_SECONDS = 10.0  # of a scrape or a probe, from its connection to its end
CLOCKS = (0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 1800, 7200, 86_400)  # buckets in seconds: the plan's times, and shorter

SIGNALS_SCREENED = Counter(
    "quanzu_signals_screened_total", "Signals screened, by source and outcome", ["source", "outcome"]
)
SIGNAL_TO_ALERT = Histogram("quanzu_signal_to_alert_seconds", "From a signal's arrival to its alert", buckets=CLOCKS)
ALERT_TO_DISPATCH = Histogram("quanzu_alert_to_dispatch_seconds", "From an alert to its first dispatch", buckets=CLOCKS)
DISPATCH_TO_RECEIPT = Histogram(
    "quanzu_dispatch_to_receipt_seconds", "From a dispatch to its first result", ["channel"], buckets=CLOCKS
)
DECISION_TO_TELEPHONE = Histogram(
    "quanzu_decision_to_telephone_seconds",
    "From the decision on a contact until the message was on the telephone, or the call was answered",
    ["channel", "level"],
    buckets=CLOCKS,
)
DEADLINE_ERROR = Histogram(
    "quanzu_deadline_error_seconds", "Delay of a deadline: from its due time to its processing", buckets=CLOCKS
)
OBJECTION_SECONDS = Histogram(
    "quanzu_stop_objection_seconds",
    "From an objection to a stop order to the decision on it, and (released) until the bank has lifted the stop",
    ["outcome"],
    buckets=(60, 300, 900, 1800, 3600, 7200, 10_800, 14_400, 28_800, 86_400),
)
POLICIES_STOPPED = Counter("quanzu_policies_stopped_total", "Policies stopped by the breaker")
POLICY_HOLDS = Gauge("quanzu_policies_held", "Stopped policies whose cases are still on hold")
VISITS_JOINED = Counter("quanzu_visits_joined_total", "Visits that joined another to the same address", ["how"])
LAG = Gauge("quanzu_lag_records", "Records of a topic that this worker has not processed yet", ["topic"])
DEAD_LETTERS_SENT = Counter(
    "quanzu_dead_letters_sent_again_total", "Dead letters that were sent again and now have another outcome", ["source"]
)
DEAD_LETTERS_OPEN = Gauge("quanzu_dead_letters_open", "Dead letters neither sent again nor dropped", ["source"])
RECEIPTS_BEFORE = Counter(
    "quanzu_receipts_by_secret_before_total", "Receipts that were signed with the former key of their channel"
)
CLOCK_AHEAD = Gauge("quanzu_clock_ahead_seconds", "Seconds by which this machine's clock is ahead of the workers' time")
CLOCK_ERROR = Gauge("quanzu_clock_error_seconds", "Largest possible error of the workers' time on this machine")
EPOCH = Gauge("quanzu_epoch", "Confirmed epoch of this worker; 0: none, so it sends nothing, or embedded")
MARKS_ALONE = Counter(
    "quanzu_marks_not_replicated_total", "Marks before a contact that no replica confirmed within 0.1 s"
)
CLOCK_REFUSED = Gauge(
    "quanzu_clock_refused_seconds", "Seconds by which a refused clock of Redis is ahead of the workers' time"
)
CLOCK_STEPS = Counter(
    "quanzu_clock_steps_total",
    "Jumps of a clock: the machine's, the shared one, refused ones, corrected ones",
    ["clock"],
)
for _clock in ("machine", "shared", "refused", "corrected"):
    CLOCK_STEPS.labels(_clock)  # starts at 0: a rate would not see a counter that appears with 1


def show_lag(lags: Mapping[str, int]) -> None:
    """Set the metric of waiting records to `lags` (number of records by topic).

    Topics that are not in `lags` lose their value.
    """
    LAG.clear()
    for topic, records in lags.items():
        LAG.labels(topic).set(records)


def serve(port: int, host: str = "127.0.0.1", setting: str = "QUANZU_METRICS_PORT") -> None:
    """Serve this process's metrics on `port` in a background thread; 0 serves nothing.

    Raises SettingsError, naming `setting`, if the port is taken.
    """
    if port:
        serve_in_threads(host, port, make_wsgi_app(), setting)


def serve_in_threads(host: str, port: int, app: "WSGIApplication", setting: str) -> int:
    """Serve the application `app`, for Prometheus and health checks, in a background thread until the process ends, and
    return its port (of use if `port` is 0: any free one).

    Each connection has a thread, which ends with its answer, and at the latest after REQUEST_SECONDS, however slowly
    the client sends and reads. Raises SettingsError, naming `setting`, if the port is taken.
    """
    try:
        server = make_server(host, port, app, _Server6 if ":" in host else _Server, _Impatient)
    except OSError as error:
        raise SettingsError(
            f"{setting} = {port}: cannot listen on {host} ({error.strerror}). Each worker on a machine "
            "needs a port of its own: set another, or 0 for none"
        ) from None
    threading.Thread(target=server.serve_forever, name=setting, daemon=True).start()
    return server.server_port


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_address = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Impatient(WSGIRequestHandler):
    def setup(self) -> None:
        super().setup()
        self._limit = threading.Timer(REQUEST_SECONDS, self._hang_up)
        self._limit.daemon = True
        self._limit.start()

    def finish(self) -> None:
        self._limit.cancel()
        super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library has it
        """Log nothing: each scrape would write a line."""

    def _hang_up(self) -> None:
        with suppress(OSError):  # the client was faster
            self.connection.shutdown(socket.SHUT_RDWR)
