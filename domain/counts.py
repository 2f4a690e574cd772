"""What is counted of a province, from its journal: exact, and the same however often an event comes.

A name is words joined by `|`, the first saying what is counted: `open|red|contacting`, `contact|sms|delivered`.
"""

from collections import Counter
from collections.abc import Iterator

from schemas.cases import Case
from schemas.events import CaseEvent, Fact, FactKind


def of_event(event: CaseEvent) -> Counter[str]:
    """What an event adds for good."""
    return Counter(name for fact in event.facts for name in _names(fact, event.case))


def of_standing(before: Case | None, after: Case) -> Counter[str]:
    """How open cases by level and state change from `before` to `after`: +1 and -1."""
    changed: Counter[str] = Counter()
    if before is not None and before.open:
        changed[_standing(before)] -= 1
    if after.open:
        changed[_standing(after)] += 1
    return Counter({name: by for name, by in changed.items() if by})


def _standing(case: Case) -> str:
    return f"open|{case.level}|{case.state}"


def _names(fact: Fact, case: Case) -> Iterator[str]:
    match fact.kind:
        case FactKind.OPENED | FactKind.REOPENED | FactKind.LEVEL_RAISED:
            yield f"{fact.kind}|{case.level}"
        case FactKind.RESULT if fact.action is not None and fact.result is not None:
            yield f"contact|{fact.action.channel}|{fact.result}"
            yield f"action|{fact.action}|{fact.result}"
        case FactKind.DISPATCHED | FactKind.HELD | FactKind.DROPPED | FactKind.SKIPPED if fact.action is not None:
            yield f"{fact.kind}|{fact.action}"
        case FactKind.PUT_OFF if fact.action is not None:
            yield f"put_off|{fact.action.channel}|{fact.limit}"
        case FactKind.STATE:
            yield f"state|{case.state}"
        case _:
            yield f"fact|{fact.kind}"
