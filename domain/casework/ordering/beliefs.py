"""What an installation believes about its calls and cases, estimated from its own past cases and from nothing else."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain.casework.triage import settled_payment_count
from domain.policy import Policy
from schemas.casework.cases import Case, CaseState
from schemas.levels import Action, Level, Result

_AS_MANY = 20.0  # the policy's figure counts like so many observations; assumed
_TALKED = frozenset({Result.DELIVERED, Result.HUNG_UP, Result.ACKNOWLEDGED})


@dataclass(frozen=True, slots=True)
class CallBeliefs:
    """Probabilities from 0 to 1. `reached`: that a call is answered. `persuaded`: by scam type, that an answered call
    dissuades; other types: `persuaded_usual`. `visited`: that a visit dissuades. `pays`: by level, that a resident
    whose case has this highest level, and whom nobody dissuades, pays at all.
    """

    reached: float
    persuaded_usual: float
    visited: float
    persuaded: Mapping[str, float] = field(default_factory=dict)
    pays: Mapping[Level, float] = field(default_factory=dict)


def believed(cases: Iterable[Case], policy: Policy) -> CallBeliefs:
    """Return what past cases show, each case as it stood at its end.

    The policy's figures ([triage]) count like 20 observations each, so that a rare scam type keeps its figure. For
    visits, and for the share who pay, the first guess is one half.
    """
    seen: Counter[tuple[object, ...]] = Counter()
    for case in cases:
        seen.update(_shown(case))
    rules = policy.triage
    usual = {name: scam.persuaded for name, scam in rules.scams.items()}

    def share(name: str, guess: float, *of: object) -> float:
        return (seen[name, True, *of] + _AS_MANY * guess) / (seen[name, True, *of] + seen[name, False, *of] + _AS_MANY)

    return CallBeliefs(
        reached=share("reached", rules.reached),
        persuaded_usual=rules.scam.persuaded,
        visited=share("visited", 0.5),
        persuaded={scam: share("persuaded", guess, scam) for scam, guess in usual.items()},
        pays={level: share("pays", 0.5, level) for level in Level},
    )


def _shown(case: Case) -> Iterable[tuple[object, ...]]:
    """Yield what a case shows, as (name of the probability, True or False, what it is by)."""
    results = [result for step in case.steps if step.action is Action.OPERATOR_CALL for result in step.results]
    yield from (("reached", result in _TALKED) for result in results)
    visits = [result for step in case.steps if step.action is Action.VISIT for result in step.results]
    if case.state is not CaseState.DISSUADED:
        yield ("pays", settled_payment_count(case) > 0, case.level)
    if case.state is CaseState.FALSE_ALARM:
        return
    yield from (
        ("persuaded", result is Result.ACKNOWLEDGED, case.danger.scam_type) for result in results if result in _TALKED
    )
    yield from (("visited", result is Result.ACKNOWLEDGED) for result in visits)
