"""One visit for two residents at one address: which visit joins which, and how a report applies to the other one."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta

from domain.dispatches.ids import DispatchId
from schemas.casework.acts import OutcomeAct
from schemas.casework.events import Dispatch
from schemas.casework.inputs import OfficerReport, VisitStage
from schemas.levels import Level, Outcome
from schemas.people.rosters import Task, TaskState

# These outcomes hold for both residents of the task. That one was defrauded, or never in danger, says nothing about the
# other: the other's visit counts as made, and the rest of the plan goes on.
_FOR_BOTH = frozenset({Outcome.DISSUADED, Outcome.NOT_PERSUADED, Outcome.UNREACHABLE})


def household(division: str, address: str) -> str | None:
    """Return the division and normalized address (letters and digits, lower case) as one text, for comparison; None if
    the address has no digit, because it then names no door.
    """
    plain = "".join(re.findall(r"\w", unicodedata.normalize("NFKC", address).casefold()))
    return f"{division}|{plain}" if re.search(r"\d", plain) else None


def joins(dispatch: Dispatch, lead: Task, own: Iterable[Task], within: timedelta, now: datetime) -> bool:
    """Return True if the visit of `dispatch` joins the `lead` visit to the same address instead of being a separate
    one.

    The lead must be of another case and given less than `within` ago. An ongoing lead is joined if its level is at
    least as grave: red does not wait for a grid worker who comes tomorrow. A completed lead is joined too, except by
    red. `own`: the visits of the dispatch's case so far; none joins the same lead twice, so that a resident without a
    result gets a separate visit.
    """
    if lead.case == dispatch.case or now - lead.at >= within or any(task.joins == lead.dispatch for task in own):
        return False
    if lead.state is TaskState.ENDED:
        return lead.stage is VisitStage.DONE and dispatch.level is not Level.RED
    return lead.state is TaskState.OPEN and lead.level is not None and lead.level.rank >= dispatch.level.rank


def report_for_joined(joined: DispatchId, report: OfficerReport) -> OfficerReport:
    """Return a copy of an officer's report, changed to apply to the visit `joined`, which joined the officer's visit.

    Money stays in the original report only, so that it counts once. An outcome that need not hold for both residents
    (anything but dissuaded, not persuaded or unreachable) is left out.
    """
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
