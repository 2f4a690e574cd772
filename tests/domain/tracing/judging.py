"""What each rule gets right on planted graphs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from domain.tracing.bounds import TraceBounds
from domain.tracing.facts import TracedAccount, history_of
from domain.tracing.ledgers import follow_history
from domain.tracing.lots import TracingRule
from domain.tracing.poison import suspects
from domain.tracing.tree import MoneyTrace, in_accounts
from tests.domain.tracing.planted import Planted

BOUNDS = TraceBounds(least_fen=1, hops=8, within=timedelta(hours=72), accounts=200)
FLOORS = (1, 100_000)
"""The least fen in an account for which a stop is counted: any, and ¥1,000."""
POISON = "poison"


@dataclass(slots=True)
class StopScore:
    """Accounts in which a rule sees stolen money at the end.

    `wrong`: without any in truth; `missed`: accounts with it, in which the rule sees none.
    """

    proposed: int = 0
    wrong: int = 0
    missed: int = 0


@dataclass(slots=True)
class Score:
    """Sums over graphs.

    `hops`: (theft, account) pairs that stolen money truly came to, `found` of them, and `extra` pairs that it did not;
    `stops` by floor; `fen`: stolen and in accounts, `placed`: of that, in the right account under the right theft.
    """

    hops: int = 0
    found: int = 0
    extra: int = 0
    fen: int = 0
    placed: int = 0
    stops: dict[int, StopScore] = field(default_factory=lambda: {floor: StopScore() for floor in FLOORS})

    def reach(self, graph: Planted, pairs: set[tuple[str, TracedAccount]]) -> None:
        """Add the pairs that a rule found in a graph."""
        self.hops += len(graph.reached)
        self.found += len(graph.reached & pairs)
        self.extra += len(pairs - graph.reached)

    def stop(self, graph: Planted, seen: Mapping[tuple[TracedAccount, str], int]) -> None:
        """Add the money that a rule sees in accounts at the end of a graph."""
        self.fen += graph.held.total()
        self.placed += sum(min(fen, seen.get(key, 0)) for key, fen in graph.held.items())
        shown, truth = _by_account(seen), _by_account(graph.held)
        for floor, score in self.stops.items():
            proposed = {account for account, fen in shown.items() if fen >= floor}
            score.proposed += len(proposed)
            score.wrong += len(proposed - truth.keys())
            score.missed += sum(fen >= floor and account not in shown for account, fen in truth.items())


def _by_account(amounts: Mapping[tuple[TracedAccount, str], int]) -> Counter[TracedAccount]:
    found: Counter[TracedAccount] = Counter()
    for (account, _), fen in amounts.items():
        found[account] += fen
    return found


def judge(graphs: Iterable[Planted]) -> tuple[dict[str, Score], Counter[str]]:
    """Return each rule's score, and what the graphs were: thefts, movements, hops, contradictions.

    A trace that lost or made a fen is no score: `follow_history` itself raises ArithmeticError.
    """
    scores = {name: Score() for name in (*TracingRule, POISON)}
    kinds: Counter[str] = Counter()
    for graph in graphs:
        past = history_of(graph.statements)
        kinds.update(graphs=1, thefts=len(graph.thefts), movements=len(past.movements))
        kinds[f"of {graph.hops} hops"] += 1
        kinds.update(finding.kind.value for finding in past.findings)
        for rule in TracingRule:
            _add(scores[rule], graph, follow_history(past, graph.thefts, rule, BOUNDS))
        scores[POISON].reach(graph, set(suspects(past, graph.thefts, BOUNDS).tainted))
    return scores, kinds


def _add(score: Score, graph: Planted, trace: MoneyTrace) -> None:
    score.reach(graph, set(reached(trace)))
    score.stop(graph, in_accounts(trace))


def reached(trace: MoneyTrace) -> Iterator[tuple[str, TracedAccount]]:
    """Yield the (theft, account) pairs that a trace follows money to, other than back to the theft's victim."""
    for step in trace.steps:
        if isinstance(step.payee, TracedAccount) and step.payee != trace.thefts[step.theft].victim:
            yield step.theft, step.payee
