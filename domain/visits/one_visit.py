"""Two residents at one address get one visit: whose visit joins whose, and what its result says for the other."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta

from domain.dispatches.ids import DispatchId
from schemas.casework.events import Dispatch
from schemas.casework.inputs import OfficerReport, OutcomeAct, VisitStage
from schemas.levels import Level, Outcome
from schemas.people.rosters import Task, TaskState

# What the officer says of the one also holds for the other whom he was sent to in the same task. That the one was
# defrauded, or never in danger, says nothing of the other: his visit is made, and the rest of his plan goes on.
_FOR_BOTH = frozenset({Outcome.DISSUADED, Outcome.NOT_PERSUADED, Outcome.UNREACHABLE})


def household(division: str, address: str) -> str | None:
    """An address as it is compared: however it was typed. None for one without a number, which names no door."""
    plain = "".join(re.findall(r"\w", unicodedata.normalize("NFKC", address).casefold()))
    return f"{division}|{plain}" if re.search(r"\d", plain) else None


def joins(dispatch: Dispatch, lead: Task, own: Iterable[Task], within: timedelta, now: datetime) -> bool:
    """Whether a visit joins the `lead` to the same address instead of sending somebody again.

    One under way is joined if it goes as fast, and to as grave a danger, as this one: red does not wait for a grid
    worker who comes tomorrow. One that was made is joined too, except by red. Nobody joins the same visit twice
    (`own`: the case's visits so far): whoever got no result by it gets a visit of his own.
    """
    if lead.case == dispatch.case or now - lead.at >= within or any(task.joins == lead.dispatch for task in own):
        return False
    if lead.state is TaskState.ENDED:
        return lead.stage is VisitStage.DONE and dispatch.level is not Level.RED
    return lead.state is TaskState.OPEN and lead.level is not None and lead.level.rank >= dispatch.level.rank


def told_of(joined: DispatchId, report: OfficerReport) -> OfficerReport:
    """What an officer's report on a visit says for one that joined it. Money is the other's: each yuan counts once."""
    outcome = report.outcome if report.outcome and report.outcome.outcome in _FOR_BOTH else None
    return report.model_copy(
        update={
            "id": f"{joined.text}{report.id.removeprefix(report.dispatch)}",
            "resident": joined.resident,
            "case": joined.case,
            "dispatch": joined.text,
            "step": joined.step,
            "attempt": joined.attempt,
            "outcome": OutcomeAct(outcome=outcome.outcome, note=outcome.note) if outcome else None,
        }
    )
