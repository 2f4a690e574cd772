"""The review of revealed data: a sample of each day's revealings, which a supervisor or auditor confirms or questions.

Revealings and reviews are entries of the audit; nothing else is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from console.web.auth import trail
from console.web.auth.who import NotFoundError, Who
from console.web.kit.services import Services
from domain.access.reveals import REVEALING, is_reveal, reveal_id, sample
from domain.calendar import JILIN
from schemas.administration.audit import AuditEntry, RevealReason, RevealVerdict
from schemas.people.staff import Account
from streams.security import audit_log

_ACTS = {f"reveal-{verdict.value}": verdict for verdict in RevealVerdict}
_ABOUT = "reveal "  # begins the detail of a review


@dataclass(frozen=True, slots=True)
class SampledReveal:
    """A revealing in the sample. `why`: the reason that the person gave, None if it is unknown; `review`: the latest
    review, None if there is none; `own`: True if the reader made the revealing.
    """

    id: str
    entry: AuditEntry
    why: RevealReason | None
    review: AuditEntry | None
    own: bool

    @property
    def verdict(self) -> RevealVerdict | None:
        """The result of the latest review: confirmed or questioned; None if nobody has reviewed the revealing."""
        return _ACTS[self.review.act] if self.review else None


async def sampled_reveals(
    services: Services, who: Who, day: date, accounts: Mapping[str, Account]
) -> list[SampledReveal]:
    """Return the sample (at most 10, the same at each call) of the revealings of one day (midnight to midnight in
    China) by people of the reader's area, the earliest first.

    `accounts`: all accounts by login. Errors of Kafka pass through.
    """
    since = datetime.combine(day, time(), JILIN)
    lines = await _lines(services, since)
    reviews = {each.detail: each for each in lines if each.act in _ACTS}  # the latest comes last
    reveals = [
        each
        for each in lines
        if is_reveal(each) and each.at < since + timedelta(days=1) and in_readers_area(who, each.by, accounts)
    ]
    found = [
        SampledReveal(name, each, _why(each), reviews.get(f"{_ABOUT}{name}"), each.by == who.login)
        for each in sample(reveals)
        for name in [reveal_id(each)]
    ]
    return sorted(found, key=lambda each: each.entry.at)


async def review(services: Services, who: Who, day: date, name: str, verdict: RevealVerdict, words: str) -> None:
    """Write an audit entry that confirms or questions (`verdict`) the revealing `name` of that day. Raises
    NotFoundError if the reader's sample of the day does not have the revealing, or if the reader made it, TimeoutError
    if Kafka does not answer in time, and SendError if it refuses the entry for good. Errors of Kafka and Redis pass
    through.

    `words`: the reviewer's text.
    """
    accounts = {account.login: account for account in await services.staff.all()}
    sampled = await sampled_reveals(services, who, day, accounts)
    found = next((each for each in sampled if each.id == name and not each.own), None)
    if found is None:
        raise NotFoundError
    await trail.write(services, who, f"reveal-{verdict.value}", found.entry.on, words, f"{_ABOUT}{name}")


async def _lines(services: Services, since: datetime) -> list[AuditEntry]:
    """Return the audit entries of revealings and reviews since a time, the oldest first."""
    wanted = audit_log.Wanted(since=since, acts=REVEALING | _ACTS.keys())
    return [each async for each in audit_log.all_entries(services.line.settings, wanted)][::-1]


def in_readers_area(who: Who, login: str, accounts: Mapping[str, Account]) -> bool:
    """Return True if a person's revealings are shown to the reader. Revealings of a deleted account are shown only to
    readers without an area. `accounts`: all accounts by login.
    """
    return who.sees(accounts[login].area) if login in accounts else not who.area


def _why(entry: AuditEntry) -> RevealReason | None:
    name = entry.detail.rpartition("for ")[2]  # that of a recording begins with the recording's id
    return RevealReason(name) if name in set(RevealReason) else None
