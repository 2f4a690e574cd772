"""Debian's Prometheus and Alertmanager, as deploy/prometheus sets them up, on free ports."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import yaml

from streams.runtime.embedded import free_port
from tests.tools.servers.process import Process, need

DEPLOY = Path(__file__).parents[3] / "deploy" / "prometheus"


class Answer:
    """What Prometheus said of a query."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.error = "" if body["status"] == "success" else str(body["error"])
        self.series: list[dict[str, Any]] = [] if self.error else list(body["data"]["result"])

    def value(self, **labels: str) -> float:
        """The one value of these labels. Raises LookupError when there is none, or more than one."""
        found = [each for each in self.series if labels.items() <= each["metric"].items()]
        if len(found) != 1:
            raise LookupError(f"{len(found)} series with {labels}; {self.error or 'there are'} {len(self.series)}")
        return float(found[0]["value"][1])


class _Server:
    """One of them, for as long as a context lasts."""

    process: Process

    def __enter__(self) -> Self:
        self.process.start()
        self.process.ready()
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.kill()


class PrometheusServer(_Server):
    """Prometheus that scrapes these ports, by job, with the rules of deploy/prometheus. `every`: how often."""

    def __init__(
        self, folder: Path, targets: Mapping[str, Sequence[int]], alertmanager: int = 0, every: str = "1s"
    ) -> None:
        need("prometheus")
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self.folder = free_port(), folder
        config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))
        config["global"] = {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every}
        config["rule_files"] = [str(DEPLOY / "rules" / "*.yml")]
        config["scrape_configs"] = [
            {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}]}
            for job, ports in targets.items()
        ]
        config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{alertmanager or 9}"]
        path = folder / "prometheus.yml"
        path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
        command = [
            "prometheus",
            f"--config.file={path}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--storage.tsdb.retention.time=30d",
            "--rules.alert.resend-delay=5s",  # the first is lost: it is sent before Alertmanager is discovered
        ]
        self.process = Process("Prometheus", command, folder / "prometheus.log", self.port)

    def query(self, expr: str, at: float | None = None) -> Answer:
        """An instant query; `at`: seconds since 1970, else now."""
        return self._asked("query", {"query": expr} | ({} if at is None else {"time": str(at)}))

    def backfill(self, text: str) -> None:
        """Put what was measured before into its store, in OpenMetrics with times; before it is started."""
        need("promtool")
        path = self.folder / "before.txt"
        path.write_text(text, encoding="utf-8")
        command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(path), str(self.folder / "data")]
        subprocess.run(command, check=True, capture_output=True)

    def range(self, expr: str, start: float, end: float, step: float) -> Answer:
        """A query over a time, in seconds since 1970."""
        return self._asked("query_range", {"query": expr, "start": str(start), "end": str(end), "step": str(step)})

    def _asked(self, what: str, asked: dict[str, str]) -> Answer:
        answer = httpx.post(f"http://127.0.0.1:{self.port}/api/v1/{what}", data=asked, timeout=30)
        return Answer(answer.json())


class Alertmanager(_Server):
    """Alertmanager with the routes of deploy/prometheus, told sooner what is over; all receivers are at one port."""

    def __init__(self, folder: Path, receivers: int) -> None:
        need("prometheus-alertmanager")
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        text = (DEPLOY / "alertmanager.yml").read_text(encoding="utf-8")
        path = folder / "alertmanager.yml"
        sooner = text.replace("group_interval: 30s", "group_interval: 3s")
        path.write_text(sooner.replace("127.0.0.1:9199", f"127.0.0.1:{receivers}"), encoding="utf-8")
        command = [
            "prometheus-alertmanager",
            f"--config.file={path}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]
        self.process = Process("Alertmanager", command, folder / "alertmanager.log", self.port)
