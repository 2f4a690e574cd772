"""The facts of a case for its readers: sets of their kinds (refusals, routine facts, facts left out of news), and a
story's facts as sentences with people's names. console/web/kit/wording.py renders a fact.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from console.web.case.stories import TimelineEntry
from console.web.kit.wording import named
from domain.wording import labels
from domain.wording.codes import Renderer
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


def timeline(story: Iterable[TimelineEntry], words: Renderer, names: Mapping[str, str]) -> list[Any]:
    """Return a story's events for a page, the latest event first: dicts of `version`, `at` and `facts`. Each fact is a
    dict of `kind` (its Chinese label), `words` (its sentence), `by` and `refused` (True if it is a
    refusal). `by` is empty where the sentence says it already.

    `words`: the reader's renderer; `names`: people's names by login.
    """
    return [
        {
            "version": each.version,
            "at": each.at,
            "facts": [
                {
                    "kind": labels.FACTS[fact.kind],
                    "words": words.sentence(named(fact.what, names)),
                    "by": "" if fact.by == getattr(fact.what, "by", None) else names.get(fact.by or "", fact.by),
                    "refused": fact.kind is FactKind.REFUSED,
                }
                for fact in each.facts
            ],
        }
        for each in reversed(list(story))
    ]
