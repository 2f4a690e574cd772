"""A worker's HTTP server for metrics, liveness and readiness.

It runs in its own threads, so that it answers and reports the failure when the worker's event loop hangs.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
from prometheus_client import make_wsgi_app

from streams.runtime.metrics import serve_in_threads

PULSE_SECONDS = 1.0
SILENT_SECONDS = 20.0
"""An event loop that has not run for this long hangs: it is longer than any batch or rebalance takes."""

StartResponse = Callable[..., Any]


@dataclass
class Pulse:
    """Shows whether the worker's event loop still runs.

    `ready`: returns True if the worker processes records; called by other threads.
    """

    ready: Callable[[], bool]
    _beaten: float = field(default_factory=time.monotonic)

    async def beat(self) -> None:
        """Record that the loop runs now. Called by the loop every second."""
        self._beaten = time.monotonic()

    def silent(self) -> float:
        """Return the number of seconds since the last `beat`."""
        return time.monotonic() - self._beaten


def serve(host: str, port: int, pulse: Pulse) -> None:
    """Serve /metrics, /healthz and /readyz in a background thread until the process ends; port 0 serves nothing.

    /healthz answers 503 if the event loop has not run for over 20 s, and /readyz while `pulse.ready` returns False;
    otherwise they answer 200. Raises SettingsError if the port is taken.
    """
    if port:
        serve_in_threads(host, port, _app(pulse), "QUANZU_METRICS_PORT")


def _app(pulse: Pulse) -> Callable[[dict[str, Any], StartResponse], Iterable[bytes]]:
    metrics = make_wsgi_app()

    def answer(environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        match environ["PATH_INFO"]:
            case "/healthz":
                return _told(start, *_lives(pulse))
            case "/readyz":
                ready = pulse.ready()
                return _told(start, ready, "ready" if ready else "not in the consumer group")
            case _:
                found: Iterable[bytes] = metrics(environ, start)
                return found

    return answer


def _lives(pulse: Pulse) -> tuple[bool, str]:
    silent = pulse.silent()
    if silent > SILENT_SECONDS:
        return False, f"the worker's loop has hung for {silent:.0f} s: it is to be started again"
    return True, "ok"


def _told(start: StartResponse, good: bool, status: str) -> Iterable[bytes]:
    start("200 OK" if good else "503 Service Unavailable", [("Content-Type", "application/json")])
    return [orjson.dumps({"status": status})]
