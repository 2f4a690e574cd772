"""Reports of the public page, on the topic `public-reports` and in Redis, until the policy's days are over."""

from datetime import datetime, timedelta

from domain.desk.public_reports import expired, waiting_reports
from schemas.people.public_reports import PublicReport
from streams.messaging.topics import PUBLIC_REPORTS
from streams.state.compacted_table import CompactedTable, Place

_WAITS = b'"state":"waiting"'  # in the JSON of a report that waits; within a text, the quotes would be escaped


class PublicReports(CompactedTable[PublicReport]):
    """All reports that are still kept, by id. Kafka deletes old ones by itself, and `kept` deletes them from Redis."""

    place = Place(PUBLIC_REPORTS, PublicReport)

    async def take(self, report: PublicReport) -> PublicReport:
        """Store a report, and return it once Kafka and Redis have it. One that is known stays as it is.

        Raises TimeoutError, KafkaError or RedisError if they do not answer: then it may not be stored.
        """
        return await self.change(report.id, lambda known: known or report)

    async def undecided(self, span: timedelta, now: datetime) -> list[PublicReport]:
        """Return the reports that nobody has decided on and that are not older than `span`, the oldest first. The
        others are not parsed: a supervisor's page asks often.
        """
        raws = await self._redis.hvals(self.place.hash)
        found = waiting_reports(self.parse(raw) for raw in raws if _WAITS in raw)
        return [report for report in found if not expired(report, span, now)]

    async def kept(self, span: timedelta, now: datetime) -> list[PublicReport]:
        """Return the reports that are not older than `span`, in no order, and delete the others."""
        found = await self.all()
        for report in found:
            if expired(report, span, now):
                await self.drop(report.id)
        return [report for report in found if not expired(report, span, now)]
