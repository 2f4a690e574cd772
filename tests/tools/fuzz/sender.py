"""`python -m tests.tools.fuzz.sender`: sends generated requests for each operation of an OpenAPI document.

A process of its own, so that what generating costs is not in the server's time and memory. The first line of its
input is a Plan as JSON. It writes lines of JSON: {"enter": role} asks for the headers of a new session, which the next
line of its input has; {"round": number} when a round is done; then {"tally": …}, a Tally.

Several requests are in flight, since most of a request's time is waiting. Those that were slow, and the slowest of each
operation, are sent again at the end of the round, each alone: only then a second is a second of the page, and the
server's CPU is that of the request.
"""

import json
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import BoundedSemaphore, Lock, local
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

SLOW_SECONDS = 1.0
ACT_SECONDS = 2.0  # what an act waits at most until its effect is seen (LATE_SECONDS of console/web/case/acts.py)
AGAIN = 2  # a request that was slow is sent again so often: a busy machine is not always busy
COSTLY_SECONDS = 0.1  # of the server's CPU
AT_ONCE = 6
SHOWN = 60
STRANGE = 10  # each so many requests of a person keep the token that schemathesis invents
_SIGN_IN = re.compile(r"^(https?://[^/]+)?/sign-in")


@dataclass(frozen=True)
class Plan:
    """`each`: requests for an operation in a round. `rounds`: the HTTP methods of each round. `own`: by operation, what
    its path's parameters are when they name something that exists. `roles`: by operation, as whom it is sent, or "".
    `process`: the server's id.
    """

    document: dict[str, Any]
    address: str
    each: int
    seed: int
    rounds: list[list[str]]
    own: dict[str, dict[str, str]]
    roles: dict[str, str]
    process: int


@dataclass
class Tally:
    """`statuses`: how often each was answered; `worst`: the slowest request in seconds, and its operation. `faults`: a
    status of 500 or more, no answer, or one that took over a second each time it was asked for; of an act, over a
    second more than it may wait for its effect. `costly`: by operation, the CPU seconds of its slowest request where
    the server needed more than COSTLY_SECONDS each time.
    """

    requests: int = 0
    operations: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    worst: tuple[float, str] = (0.0, "")
    faults: list[str] = field(default_factory=list)
    costly: dict[str, float] = field(default_factory=dict)


class Visitor:
    """Sends single requests, from any thread. `enter`: returns the headers of a new session of a role."""

    def __init__(self, plan: Plan, enter: Callable[[str], dict[str, str]]) -> None:
        self._plan, self._enter = plan, enter
        self._headers: dict[str, dict[str, str]] = {}
        self._entering, self._mine = Lock(), local()

    def ask(self, case: Case[Any], strange: bool) -> tuple[int, float]:
        """Return the answer's status and the seconds it took, signed in anew if its session had ended. The status is 0
        if there was no answer, and 401 if the answer leads to the sign-in. `strange`: with the token that the case has.
        """
        role = self._plan.roles.get(case.operation.definition.raw["operationId"], "")
        own = self._signed_in(role, None)
        status, seconds = self._asked(case, role, own, strange)
        if status == 401 and role:
            return self._asked(case, role, self._signed_in(role, own), strange)
        return status, seconds

    def _signed_in(self, role: str, ended: dict[str, str] | None) -> dict[str, str]:
        """Return the headers of the role's session: of a new one if its headers are those of the `ended` one."""
        with self._entering:
            if role and self._headers.get(role, ended) is ended:
                self._headers[role] = self._enter(role)
            return self._headers.get(role, {})

    def _asked(self, case: Case[Any], role: str, own: dict[str, str], strange: bool) -> tuple[int, float]:
        """Of an endless answer only the beginning is read."""
        if isinstance(case.body, dict) and "form" in case.body:
            case.body["form"] = secrets.token_hex(8)  # as the page has it: the same one twice is one act
        sent = case.as_transport_kwargs(base_url=self._plan.address, headers=own)
        if role and "authorization" not in own and not strange:
            sent["headers"].pop("Authorization", None)  # a token that nobody has: all would be refused at the door
        began = time.monotonic()
        try:
            with self._session().request(**sent, allow_redirects=False, stream=True, timeout=30) as answer:
                if "text/event-stream" not in answer.headers.get("content-type", ""):
                    _ = answer.content
                left = role and _SIGN_IN.match(answer.headers.get("location", ""))
                return (401 if left else answer.status_code), time.monotonic() - began
        except requests.RequestException:
            return 0, time.monotonic() - began

    def _session(self) -> requests.Session:
        """Return this thread's own: a session is for one thread."""
        if not hasattr(self._mine, "session"):
            self._mine.session = requests.Session()
            self._mine.session.trust_env = False
        found: requests.Session = self._mine.session
        return found


class Sender:
    """Sends a plan's requests, several at once."""

    def __init__(self, plan: Plan, visitor: Visitor) -> None:
        self._plan, self._visitor, self.tally = plan, visitor, Tally()
        self._room, self._counting = BoundedSemaphore(AT_ONCE * 2), Lock()
        self._slow: list[tuple[Case[Any], int, float]] = []  # not counted before they were sent again
        self._slowest: dict[str, tuple[float, Case[Any]]] = {}  # of each operation

    def round(self, number: int) -> None:
        """Send one round: `each` requests for every operation of its methods. Returns when all are answered."""
        sent: list[Future[None]] = []
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for case in self._cases(number):
                self._room.acquire()
                sent.append(threads.submit(self._send, case, len(sent) % STRANGE == 0))
        for each in sent:
            each.result()  # raises what its thread raised
        self._alone()

    def _cases(self, number: int) -> Iterator[Case[Any]]:
        """Yield the requests of a round."""
        document = schemathesis.openapi.from_dict(self._plan.document)
        methods = self._plan.rounds[number]
        for at, found in enumerate(document.get_all_operations()):
            assert isinstance(found, Ok), found
            operation = found.ok()
            if operation.method.upper() in methods:
                self.tally.operations += 1
                for part, (strategy, share) in enumerate(self._strategies(operation)):
                    yield from self._generate(strategy, max(1, round(share * self._plan.each)), (number, at, part))

    def _strategies(
        self, operation: APIOperation[Any, Any, Any, Any]
    ) -> Iterator[tuple[SearchStrategy[Case[Any]], float]]:
        """Yield the ways to make a request, with their shares: valid and invalid ones about what exists, and any."""
        own = self._plan.own.get(operation.definition.raw["operationId"]) or None
        yield operation.as_strategy(generation_mode=GenerationMode.POSITIVE, path_parameters=own), 0.6
        yield operation.as_strategy(generation_mode=GenerationMode.NEGATIVE, path_parameters=own), 0.2
        yield operation.as_strategy(generation_mode=GenerationMode.POSITIVE), 0.2

    def _generate(self, strategy: SearchStrategy[Case[Any]], count: int, where: tuple[int, ...]) -> list[Case[Any]]:
        """Return about so many requests: the same ones for the same place in the plan."""
        made: list[Case[Any]] = []

        @seed(hash((self._plan.seed, *where)))
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def keep(case: Case[Any]) -> None:
            made.append(case)

        with suppress(Unsatisfiable):  # nothing is invalid where nothing is given
            keep()
        return made

    def _send(self, case: Case[Any], strange: bool) -> None:
        try:
            status, seconds = self._visitor.ask(case, strange)
        finally:
            self._room.release()
        with self._counting:
            if seconds > self._slowest.get(_name(case), (COSTLY_SECONDS, case))[0]:
                self._slowest[_name(case)] = seconds, case
            if seconds > _limit(case):
                self._slow.append((case, status, seconds))
            else:
                self._count(case, status, seconds)

    def _alone(self) -> None:
        """Send again, one at a time, what was too slow, and the slowest request of each operation."""
        for case, status, seconds in self._slow:
            for _ in range(AGAIN):
                if seconds > _limit(case):
                    seconds = min(seconds, self._visitor.ask(case, strange=False)[1])
            self._count(case, status, seconds)
        for name, (_, case) in self._slowest.items():
            cost = self._cost(case)
            if cost > COSTLY_SECONDS and (cost := min(cost, self._cost(case))) > COSTLY_SECONDS:
                self.tally.costly[name] = round(max(cost, self.tally.costly.get(name, 0.0)), 2)
        self._slow, self._slowest = [], {}

    def _cost(self, case: Case[Any]) -> float:
        """Send a request, and return the CPU seconds that the server needed meanwhile."""
        before = _cpu_seconds(self._plan.process)
        self._visitor.ask(case, strange=False)
        return _cpu_seconds(self._plan.process) - before

    def _count(self, case: Case[Any], status: int, seconds: float) -> None:
        name = _name(case)
        self.tally.requests += 1
        self.tally.statuses[str(status)] = self.tally.statuses.get(str(status), 0) + 1
        self.tally.worst = max(self.tally.worst, (seconds, name))
        if status >= 500 or not status or seconds > _limit(case):
            self.tally.faults.append(f"{name}: {status} after {seconds:.2f} s: {case.as_curl_command()[:800]}")


def _name(case: Case[Any]) -> str:
    return f"{case.method} {case.operation.path}"


def _limit(case: Case[Any]) -> float:
    """Return the seconds that a request may take."""
    return SLOW_SECONDS + (0 if case.method == "GET" else ACT_SECONDS)


def _cpu_seconds(process: int) -> float:
    """Return the CPU seconds that a process has used, to a hundredth."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Carry out the plan on standard input."""
    plan = Plan(**json.loads(sys.stdin.readline()))

    def enter(role: str) -> dict[str, str]:
        told({"enter": role})
        headers: dict[str, str] = json.loads(sys.stdin.readline())
        return headers

    sender = Sender(plan, Visitor(plan, enter))
    for number in range(len(plan.rounds)):
        sender.round(number)
        told({"round": number, "requests": sender.tally.requests, "failed": len(sender.tally.faults)})
    told({"tally": asdict(sender.tally) | {"faults": sender.tally.faults[:SHOWN], "failed": len(sender.tally.faults)}})


def told(what: dict[str, Any]) -> None:
    """Write a line of JSON for who started this process."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
