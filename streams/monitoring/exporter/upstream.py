"""Metrics of the people who had contact with confirmed suspects: found, and reached, by source."""

from datetime import timedelta

from prometheus_client.core import Metric

from domain.risk.upstream import ContactReach, ContactSource
from streams.installation import ExporterContext
from streams.monitoring.exporter.family import gauge
from streams.screening.upstream import UpstreamLists

CONFIRMED_WITHIN = timedelta(hours=24)
MOST_SUSPECTS = 20  # suspects whose lists are read: each takes a round trip for 1,000 contacts

UPSTREAM = gauge(
    "quanzu_upstream_people",
    "People who had contact with a suspect, before it was confirmed or since, by source and whether they were reached "
    "since; of the last 24 hours' confirmations, at most 20",
    "found_by",
    "reach",
)
FAMILIES = (UPSTREAM,)


async def upstream_people(context: ExporterContext) -> list[Metric]:
    """Return one metric: by source of contact and by how far they were reached, the number of people on the lists of
    suspects who were confirmed in the last 24 hours (CONFIRMED_WITHIN), for the latest 20 of these suspects
    (MOST_SUSPECTS).

    A person counts once for each suspect. Raises RedisError if Redis is unavailable; UnknownPolicyError or PolicyError
    if the policy in force cannot be read, and OSError if that is the settings' file.
    """
    lists, first = UpstreamLists(context.redis, context.settings.partitions), context.clock.now() - CONFIRMED_WITHIN
    recent = [entry for entry in await lists.suspects(MOST_SUSPECTS) if entry.begun_at >= first]
    reached = await lists.reached(recent, (await context.policies.live()).risk)
    always = [(source.value, reach.value) for source in ContactSource for reach in ContactReach]
    return [UPSTREAM.filled({(source.value, reach.value): count for (source, reach), count in reached.items()}, always)]
