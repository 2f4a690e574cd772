"""The report of a run: what was accepted against what became of it, and the journal's figures."""

from collections.abc import Mapping
from typing import Any

from domain.statistics import report as figures
from schemas.casework.events import CaseEvent
from streams.casework.journal import read_entry
from streams.messaging import topics
from streams.messaging.reader import read_all
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings

OUTCOMES = ("raised", "below_threshold", "unmatched", "duplicate", "dead_lettered")


async def journal_events(settings: Settings) -> list[figures.Published]:
    """Every case event of the journal, each once, as it was published first."""
    entries = []
    async for record in read_all(settings, topics.CASE_EVENTS.name):
        entry = read_entry(record.offset, record.value or b"")
        if isinstance(entry, CaseEvent):
            entries.append(figures.Published(entry, record.timestamp / 1000))
    return figures.unique(entries)


async def report(
    settings: Settings, clock: Clock, accepted: Mapping[str, int], tallies: Mapping[str, Mapping[str, int]]
) -> dict[str, Any]:
    """Return the figures that docs/reference/report.md lists. `accepted`: by source, as the feeders counted."""
    entries = await journal_events(settings)
    errors = figures.deadline_errors(entries, clock.sim_start, clock.wall_start, clock.speed)
    money = figures.money(entries)
    levels = figures.cases_by_level(entries)
    return {
        "accepted": sum(accepted.values()),
        **outcomes(tallies),
        "conservation_holds": conserved(accepted, tallies),
        "cases_opened": sum(levels.values()),
        "cases_by_level": levels,
        "warned": figures.warned(entries),
        "dissuaded": money.dissuaded,
        "defrauded_after_warning": money.defrauded_after_warning_90d,
        "loss_avoided_fen": money.kept,
        "frozen_fen": money.frozen,
        "signal_to_first_contact_seconds": figures.percentiles(figures.first_contacts(entries, clock.speed), 50, 99),
        "deadline_error_seconds": {
            **figures.percentiles(errors, 50, 99),
            "max": round(max(errors), 4) if errors else None,
        },
    }


def outcomes(tallies: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """What became of the signals, over all sources."""
    return {name: sum(tally.get(name, 0) for tally in tallies.values()) for name in OUTCOMES}


def conserved(accepted: Mapping[str, int], tallies: Mapping[str, Mapping[str, int]]) -> bool:
    """Whether each source's accepted signals all came out somewhere, and no more than those.

    A dead letter sent again moves from the dead-lettered to what it became, so the books hold all the way; a row of a
    file that is sent again is accepted then (see domain/feeds/dead_letters).
    """
    sources = accepted.keys() | tallies.keys()
    return all(accepted.get(source, 0) == sum(tallies.get(source, {}).values()) for source in sources)
