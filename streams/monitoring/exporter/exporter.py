"""The exporter: reads the servers at intervals, and serves the latest values to Prometheus."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from prometheus_client import REGISTRY, make_asgi_app
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from streams.installation import ExporterContext
from streams.monitoring.exporter import people, servers, standing, tallies, upstream
from streams.monitoring.exporter.family import counter, gauge
from streams.runtime import serving
from streams.runtime.tasks import wanted, without_values

log = logging.getLogger(__name__)

LOOKED = gauge("quanzu_exporter_look_timestamp_seconds", "Time of the exporter's last successful collection", "look")
TOOK = gauge("quanzu_exporter_look_seconds", "Duration of the exporter's last collection", "look")
FAILED = counter("quanzu_exporter_failures_total", "Collections of the exporter that failed", "look")

FAMILIES = (
    *tallies.FAMILIES,
    *standing.FAMILIES,
    *people.FAMILIES,
    *upstream.FAMILIES,
    *servers.FAMILIES,
    LOOKED,
    TOOK,
    FAILED,
)


@dataclass(frozen=True, slots=True)
class MetricGroup:
    """A group of metrics that are read together: `make` reads them.

    `name`: for logs and errors; `every`: wall-clock seconds between two reads.
    """

    name: str
    every: float
    make: Callable[[ExporterContext], Awaitable[list[Metric]]]


METRIC_GROUPS = (
    MetricGroup("partitions", 1.0, standing.partitions),
    MetricGroup("watchers", 2.0, standing.watchers),
    MetricGroup("behind", 5.0, servers.behind),
    MetricGroup("redis", 5.0, servers.redis),
    MetricGroup("people", 10.0, people.people),
    MetricGroup("kafka", 15.0, servers.kafka),
    MetricGroup("upstream", 30.0, upstream.upstream_people),
    MetricGroup("chains", 3600.0, servers.chains),
)


class Exporter(Collector):
    """The Prometheus collector of an installation.

    If reading a group fails, its old values are dropped, because they must not be served as current ones.
    """

    def __init__(self, context: ExporterContext, groups: Iterable[MetricGroup] = METRIC_GROUPS) -> None:
        self._context, self._groups = context, tuple(groups)
        self._found: dict[str, list[Metric]] = {}
        self._at: dict[tuple[str, ...], float] = {}
        self._took: dict[tuple[str, ...], float] = {}
        self._failed: dict[tuple[str, ...], float] = {(group.name,): 0 for group in self._groups}

    def describe(self) -> Iterator[Metric]:
        """Yield every metric family that `collect` may yield, without samples."""
        return (family.filled({}) for family in FAMILIES)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of each group's latest successful read, then three metrics by group: when it was last read
        successfully (seconds since 1970), how many seconds the last read took, and how often reading failed. Reads no
        server.
        """
        for found in list(self._found.values()):
            yield from found
        yield LOOKED.filled(self._at)
        yield TOOK.filled(self._took)
        yield FAILED.filled(self._failed)

    async def read_group(self, group: MetricGroup) -> None:
        """Read the metrics of `group`, and store them for `collect`. A failure is counted and logged, not raised,
        and drops the group's old values.
        """
        began, name = time.monotonic(), (group.name,)
        try:
            self._found[group.name] = await group.make(self._context)
        except Exception as error:
            self._found.pop(group.name, None)
            self._failed[name] += 1
            log.warning("the look at %s failed: %s", group.name, without_values(error))
        else:
            self._at[name] = time.time()
        self._took[name] = time.monotonic() - began

    async def run(self) -> None:
        """Read each group at once, and again `every` seconds after each read, until cancelled. Failed reads are
        counted, not raised.
        """
        async with asyncio.TaskGroup() as reading:
            for group in self._groups:
                reading.create_task(self._again(group))

    async def _again(self, group: MetricGroup) -> None:
        while wanted():
            await self.read_group(group)
            await asyncio.sleep(group.every)


@asynccontextmanager
async def exporting(context: ExporterContext, port: int) -> AsyncIterator[str]:
    """Context manager: run an exporter, and serve its metrics on `port` during the block (0: any free port). Yields
    their URL, ending in `/metrics`.

    Raises SettingsError if the port is in use.
    """
    exporter = Exporter(context)
    REGISTRY.register(exporter)
    running = asyncio.create_task(exporter.run())
    config = serving.http_server(make_asgi_app(), lifespan="off")
    try:
        host = context.settings.metrics_host
        async with serving.serving(config, host, port, "QUANZU_EXPORTER_PORT") as address:
            yield f"{address}/metrics"
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        REGISTRY.unregister(exporter)
