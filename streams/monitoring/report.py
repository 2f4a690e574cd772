"""The report of a run: accepted signals against their outcomes, and figures from the journal.

Called by demos, tests and commands.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from domain.statistics import report as figures
from domain.statistics.second_losses import second_losses
from schemas.casework.events import CaseEvent
from streams.casework.journal import read_entry
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security.encrypted_kafka import reading

OUTCOMES = ("raised", "below_threshold", "unmatched", "duplicate", "dead_lettered")


async def published_events(settings: Settings) -> AsyncIterator[figures.Published]:
    """Yield every case event of the journal with its publication time (seconds since 1970), one partition after the
    other; a repeated one repeatedly. Unreadable entries are logged and left out.

    Call it within `reading(settings)`, which decrypts. Raises KafkaError if Kafka is unavailable. Errors of the vault
    (CodecError) pass through.
    """
    async for record in read_all(settings, topics.CASE_EVENTS.name):
        entry = read_entry(record.offset, record.value or b"")
        if isinstance(entry, CaseEvent):
            yield figures.Published(entry, record.timestamp / 1000)


async def journal_events(settings: Settings) -> list[figures.Published]:
    """Return every case event of the journal, each once and as first published, with its publication time (seconds
    since 1970), one partition after the other. Unreadable entries are logged and left out.

    Raises KafkaError if Kafka is unavailable. Errors of the vault (CodecError) pass through.
    """
    async with reading(settings):
        return figures.unique([each async for each in published_events(settings)])


async def report(
    settings: Settings, clock: Clock, accepted: Mapping[str, int], tallies: Mapping[str, Mapping[str, int]]
) -> dict[str, Any]:
    """Return the figures of a run, by name, as listed in docs/reference/report.md: counts, money in fen, durations in
    wall-clock seconds (None if nothing was measured).

    `accepted`: number of signals by source, as counted by the senders; `tallies`: number of screened signals by source
    and then by outcome. Reads the whole journal. Raises KafkaError if Kafka is unavailable; errors of the vault
    (CodecError) pass through.
    """
    entries = await journal_events(settings)
    errors = figures.deadline_errors(entries, clock.wall_time)
    money = figures.money(entries)
    levels = figures.cases_by_level(entries)
    return {
        "accepted": sum(accepted.values()),
        **outcomes(tallies),
        "conservation_holds": conserved(accepted, tallies),
        "cases_opened": sum(levels.values()),
        "cases_by_level": levels,
        "warned": figures.warned(entries),
        "dissuaded_evidenced": money.dissuaded_evidenced,
        "dissuaded_stated": money.dissuaded_stated,
        "defrauded_after_warning": money.defrauded_after_warning_90d,
        "second_losses_within_90_days": {
            name: each._asdict()
            for name, each in second_losses(fact for entry in entries for fact in entry.event.facts).items()
        },
        "loss_avoided_fen": money.avoided_by_class,
        "loss_avoided_estimate_fen": money.estimate._asdict(),
        "frozen_fen": money.frozen,
        "signal_to_first_contact_seconds": figures.percentiles(figures.first_contacts(entries, clock.speed), 50, 99),
        "deadline_error_seconds": {
            **figures.percentiles(errors, 50, 99),
            "max": round(max(errors), 4) if errors else None,
        },
    }


def outcomes(tallies: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Return the number of signals by outcome, over all sources; every outcome is a key, with 0 if no signal had it.
    `tallies`: number of signals by source and then by outcome.
    """
    return {name: sum(tally.get(name, 0) for tally in tallies.values()) for name in OUTCOMES}


def conserved(accepted: Mapping[str, int], tallies: Mapping[str, Mapping[str, int]]) -> bool:
    """Return True if no signal was lost: for each source, the number of accepted signals equals the sum over its
    outcomes; else False. `accepted`: number of signals by source; `tallies`: by source and then by outcome.

    A dead letter that is sent again moves from dead-lettered to its new outcome, so the equation holds at all times; a
    file's row counts as accepted when it is sent again (see domain/feeds/dead_letters).
    """
    sources = accepted.keys() | tallies.keys()
    return all(accepted.get(source, 0) == sum(tallies.get(source, {}).values()) for source in sources)
