"""Sets of fact kinds: refusals, routine facts and facts left out of news. console/web/kit/wording.py renders facts as
sentences.
"""

from schemas.casework.events import FactKind

REFUSALS = frozenset({FactKind.REFUSED})
# Facts that do not affect a person's decision: they do not ask the reader of an open form to check it again.
ROUTINE = frozenset(
    {
        *(FactKind.DISPATCHED, FactKind.RESULT, FactKind.STEP_DONE, FactKind.STEP_FAILED, FactKind.WITHDRAWN),
        *(FactKind.SKIPPED, FactKind.PUT_OFF, FactKind.HELD, FactKind.RELEASED, FactKind.DROPPED, FactKind.REFUSED),
        *(FactKind.EVIDENCE, FactKind.STOP_REMINDER, FactKind.REPLY),
    }
)
# The plan's own steps are in the story, but are no news to the operator on the telephone; new evidence is,
# and so is a reply.
UNTOLD = ROUTINE - {FactKind.EVIDENCE, FactKind.REPLY}
