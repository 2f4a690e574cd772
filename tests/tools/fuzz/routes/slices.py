"""What several runs of `tests.tools.fuzz.routes` came to, together: each slice is a new installation with a seed of its
own, and a report keeps the finished ones, so that a run that is interrupted goes on.
"""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Found:
    """What came of one server's requests: the sender's tally; `megabytes`: of this process after each round."""

    server: str
    tally: dict[str, Any]
    megabytes: list[int]

    @property
    def growth(self) -> float:
        """The part by which memory grew while only pages were read."""
        return self.megabytes[-1] / self.megabytes[-2] - 1


@dataclass(frozen=True)
class Slice:
    """One run: its seed, the commit of the code that answered, how many requests were wanted, and what came of it."""

    seed: int
    commit: str
    wanted: int
    found: list[Found]

    @property
    def requests(self) -> int:
        """How many were sent to all servers."""
        return sum(each.tally["requests"] for each in self.found)


def slices_of(report: Path) -> list[Slice]:
    """Return the finished slices that a report has; none if there is no report yet."""
    if not report.exists():
        return []
    told = json.loads(report.read_text("utf-8"))["slices"]
    return [Slice(**each | {"found": [Found(**found) for found in each["found"]]}) for each in told]


def keep(report: Path, slices: list[Slice]) -> None:
    """Replace the report by one of these slices and their sum."""
    content = {"sum": summed(slices), "slices": [asdict(each) for each in slices]}
    made = report.with_suffix(".new")
    made.write_text(json.dumps(content, ensure_ascii=False, indent=1), "utf-8")
    made.replace(report)


def next_seed(slices: list[Slice], first: int) -> int:
    """Return the seed of the next slice: the first one from `first` on that no finished slice has."""
    taken = {each.seed for each in slices}
    return next(seed for seed in range(first, first + len(taken) + 1) if seed not in taken)


def summed(slices: list[Slice]) -> dict[str, Any]:
    """Return the sum of the slices: requests, by server and commit; answers by status; how many without the right or a
    valid signature were refused; the operations that answered no request below 400; what failed; the slowest request;
    the operations that need much CPU, and how many seconds at most; and the largest growth of memory while only pages
    were read.
    """
    servers, commits, statuses, taken = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    costly: dict[str, float] = {}
    for each in slices:
        commits[each.commit] += each.requests
        for found in each.found:
            servers[found.server] += found.tally["requests"]
            statuses.update(found.tally["statuses"])
            for name, answers in found.tally["answers"].items():
                taken[name] += sum(count for status, count in answers.items() if "0" < status < "400")
            costly |= {name: max(cost, costly.get(name, cost)) for name, cost in found.tally["costly"].items()}
    every = [found for each in slices for found in each.found]
    return {
        "requests": servers.total(),
        "servers": dict(servers),
        "commits": dict(commits),
        "statuses": dict(sorted(statuses.items())),
        "refused": sum(each.tally["refused"] for each in every),
        "untaken": sorted(name for name, count in taken.items() if not count),
        "failed": sum(each.tally["failed"] for each in every),
        "errors": sum(count for status, count in statuses.items() if status >= "500" or status == "0"),
        "worst": max((tuple(each.tally["worst"]) for each in every), default=(0.0, "")),
        "costly": costly,
        "growth": round(max((each.growth for each in every), default=0.0), 3),
    }
