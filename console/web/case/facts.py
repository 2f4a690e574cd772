"""Which facts of a case are news, and to whom. Their sentences: console/web/kit/wording.py."""

from schemas.casework.events import FactKind

REFUSALS = frozenset({FactKind.REFUSED})
# Facts that change nothing a person decides by: a form that is being filled in need not be looked over for them.
ROUTINE = frozenset(
    {
        *(FactKind.DISPATCHED, FactKind.RESULT, FactKind.STEP_DONE, FactKind.STEP_FAILED, FactKind.WITHDRAWN),
        *(FactKind.SKIPPED, FactKind.PUT_OFF, FactKind.HELD, FactKind.RELEASED, FactKind.DROPPED, FactKind.REFUSED),
        *(FactKind.EVIDENCE, FactKind.STOP_REMINDER),
    }
)
# What the plan does by itself stands in the story, and is no news to who talks with the resident; evidence is.
UNTOLD = ROUTINE - {FactKind.EVIDENCE}
