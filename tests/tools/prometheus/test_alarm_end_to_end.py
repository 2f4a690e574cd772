"""An alarm from a metric to whoever is called, on Debian's Prometheus and Alertmanager, with what it says in both
languages; what follows from a cause is not told; and the dead man's switch is heard for as long as all of it works.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, start_http_server

from streams.runtime.embedded import free_port
from tests.tools.servers.process import wait_for
from tests.tools.servers.prometheus import Alertmanager, PrometheusServer


@dataclass
class Called:
    """What receivers were told: path, alarm, status."""

    told: list[tuple[str, str, str]] = field(default_factory=list)
    texts: dict[str, dict[str, str]] = field(default_factory=dict)

    def take(self, path: str, body: dict[str, Any]) -> None:
        for alert in body["alerts"]:
            name = alert["labels"]["alertname"]
            self.told.append((path, name, alert["status"]))
            self.texts[name] = alert["annotations"]

    def has(self, path: str, name: str, status: str = "firing") -> Callable[[], bool]:
        return lambda: (path, name, status) in self.told


@contextmanager
def receivers() -> Iterator[tuple[int, Called]]:
    """A web server that is called by Alertmanager."""
    called = Called()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            called.take(self.path, json.loads(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - http.server's name

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, called
    finally:
        server.shutdown()


class Figures:
    """A target whose figures the test sets."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.redis = Gauge("quanzu_redis_up", "", registry=registry)
        self.owned = Gauge("quanzu_partition_owned", "", ["partition"], registry=registry)
        self.beat = Gauge("quanzu_audit_beat_timestamp_seconds", "", ["partition"], registry=registry)
        self.red = Gauge("quanzu_red_not_contacted", "", registry=registry)
        self.redis.set(1)
        self.owned.labels("0").set(1)
        self.beat.labels("0").set(time.time())
        self.port = free_port()
        self.server, _ = start_http_server(self.port, addr="127.0.0.1", registry=registry)


def test_a_red_case_that_nobody_contacts_calls_somebody_whatever_the_cause_and_its_consequences_are_held_back(
    tmp_path: Path,
) -> None:
    figures = Figures()
    with (
        receivers() as (port, called),
        Alertmanager(tmp_path / "alertmanager", port) as alertmanager,
        PrometheusServer(tmp_path / "prometheus", {"quanzu-exporter": [figures.port]}, alertmanager.port) as prometheus,
    ):
        wait_for(called.has("/dead-mans-switch", "QuanzuDeadMansSwitch"), "the dead man's switch")
        assert not [each for each in called.told if each[0] != "/dead-mans-switch"]

        figures.redis.set(0)  # the cause
        wait_for(called.has("/pager", "QuanzuRedisDown"), "Redis to be told of")
        figures.owned.labels("0").set(0)  # what follows of it
        figures.beat.labels("0").set(time.time() - 600)
        figures.red.set(2)
        wait_for(called.has("/pager", "QuanzuRedNotContacted"), "the red cases to be told of")
        assert called.texts["QuanzuRedNotContacted"]["summary"].startswith("2 red cases")
        assert called.texts["QuanzuRedNotContacted"]["summary_zh"].startswith("2 条红色预警")
        firing = 'ALERTS{alertname=~"QuanzuNoWorker|QuanzuAuditorSilent",alertstate="firing"}'
        wait_for(lambda: len(prometheus.query(firing).series) == 2, "what follows to fire")
        # A message of the same kind went out since: had they been let through, they would be among what was told.
        figures.red.set(0)
        wait_for(called.has("/pager", "QuanzuRedNotContacted", "resolved"), "the red cases to be over")
        assert not {"QuanzuNoWorker", "QuanzuAuditorSilent"} & {name for _, name, _ in called.told}

        figures.redis.set(1)  # the cause is gone, what followed is not: now it is told
        wait_for(called.has("/pager", "QuanzuNoWorker"), "that no worker runs")
    figures.server.shutdown()
