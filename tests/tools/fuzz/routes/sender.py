"""`python -m tests.tools.fuzz.routes.sender`: sends generated requests for each operation of an OpenAPI document.

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
from random import Random
from threading import BoundedSemaphore, Lock, local
from typing import Any
from urllib.parse import urlsplit

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from tests.tools.fuzz.routes.manners import Manner, Signers, manner, signature

SLOW_SECONDS = 1.0
ACT_SECONDS = 2.0  # what an act waits at most until its effect is seen (LATE_SECONDS of console/web/case/acts.py)
AWAY = 503  # it is to be sent again
AGAIN = 2  # a request that was slow is sent again so often: a busy machine is not always busy
COSTLY_SECONDS = 0.1  # of the server's CPU
AT_ONCE = 6
SHOWN = 60
VALID = 0  # of the strategies, that of valid requests about what exists
NAMED = 0.8  # of valid bodies, the share that names what exists
_SIGN_IN = re.compile(r"^(https?://[^/]+)?/sign-in")


@dataclass(frozen=True)
class Plan:
    """`each`: requests for an operation in a round. `rounds`: the HTTP methods of each round. `process`: the server's
    id.

    By operation: `own`: by role, what its path's parameters are when they name something that exists; `roles`: the two
    that may do most, the one that may do least, and one without the right, none if it needs no sign-in; `signers`: who
    signs it, if it needs a signature; `named`: fields of its body that name something that exists, or are plausible.
    """

    document: dict[str, Any]
    address: str
    each: int
    seed: int
    rounds: list[list[str]]
    own: dict[str, dict[str, dict[str, str]]]
    roles: dict[str, list[str]]
    process: int
    signers: dict[str, Signers] = field(default_factory=dict)
    named: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Sent:
    """A request, and how it is sent. `certain`: it is for its operation, whatever the path's parameters."""

    case: Case[Any]
    how: Manner
    certain: bool


@dataclass
class Tally:
    """`statuses`: how often each was answered; `answers`: the same by operation, of requests with the right and a valid
    signature; `refused`: how many without these were refused; `worst`: the slowest request in seconds, and its
    operation. `faults`: a status of 500 or more (503 only if it is answered each time), no answer, one below 400 to a
    request without the right, or one that took over a second each time it was asked for; of an act, over a second more
    than it may wait for its effect. `costly`: by operation, the CPU seconds of its slowest request where
    the server needed more than COSTLY_SECONDS each time.
    """

    requests: int = 0
    operations: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    answers: dict[str, dict[str, int]] = field(default_factory=dict)
    refused: int = 0
    worst: tuple[float, str] = (0.0, "")
    faults: list[str] = field(default_factory=list)
    costly: dict[str, float] = field(default_factory=dict)


class Visitor:
    """Sends single requests, from any thread. `enter`: returns the headers of a new session of a role."""

    def __init__(self, plan: Plan, enter: Callable[[str], dict[str, str]]) -> None:
        self._plan, self._enter = plan, enter
        self._headers: dict[str, dict[str, str]] = {}
        self._entering, self._mine = Lock(), local()

    def ask(self, sent: Sent) -> tuple[int, float]:
        """Return the answer's status and the seconds it took, signed in anew if its session had ended. The status is 0
        if there was no answer, and 401 if the answer leads to the sign-in.
        """
        role = sent.how.role
        own = self._signed_in(role, None)
        status, seconds = self._asked(sent, own)
        if status == 401 and role and sent.how.allowed:
            return self._asked(sent, self._signed_in(role, own))
        return status, seconds

    def _signed_in(self, role: str, ended: dict[str, str] | None) -> dict[str, str]:
        """Return the headers of the role's session: of a new one if its headers are those of the `ended` one."""
        with self._entering:
            if role and self._headers.get(role, ended) is ended:
                self._headers[role] = self._enter(role)
            return self._headers.get(role, {})

    def _asked(self, sent: Sent, own: dict[str, str]) -> tuple[int, float]:
        """Of an endless answer only the beginning is read."""
        case, role = sent.case, sent.how.role
        if isinstance(case.body, dict) and "form" in case.body:
            case.body["form"] = secrets.token_hex(8)  # as the page has it: the same one twice is one act
        made = case.as_transport_kwargs(base_url=self._plan.address, headers=own)
        if role and "authorization" not in own and not sent.how.strange:
            made["headers"].pop("Authorization", None)  # a token that nobody has: all would be refused at the door
        began = time.monotonic()
        try:
            with self._session().send(
                self._prepared(sent, made), allow_redirects=False, stream=True, timeout=30
            ) as answer:
                if "text/event-stream" not in answer.headers.get("content-type", ""):
                    _ = answer.content
                left = role and _SIGN_IN.match(answer.headers.get("location", ""))
                return (401 if left else answer.status_code), time.monotonic() - began
        except requests.RequestException:
            return 0, time.monotonic() - began

    def _prepared(self, sent: Sent, made: dict[str, Any]) -> requests.PreparedRequest:
        """Return the request, signed if its operation needs it."""
        prepared = self._session().prepare_request(requests.Request(**made))
        if sent.how.signing is not None:
            body, path = prepared.body or b"", urlsplit(prepared.url or "").path
            content = body.encode() if isinstance(body, str) else body
            assert isinstance(content, bytes)
            prepared.headers.update(signature(self._plan.signers[_id(sent.case)], sent.how.signing, str(path), content))
        return prepared

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
        self._slow: list[tuple[Sent, int, float]] = []  # not counted before they were sent again
        self._slowest: dict[str, tuple[float, Sent]] = {}  # of each operation

    def round(self, number: int) -> None:
        """Send one round: `each` requests for every operation of its methods. Returns when all are answered."""
        sent: list[Future[None]] = []
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for each in self._requests(number):
                self._room.acquire()
                sent.append(threads.submit(self._send, each))
        for one in sent:
            one.result()  # raises what its thread raised
        self._alone()

    def _requests(self, number: int) -> Iterator[Sent]:
        """Yield the requests of a round."""
        document = schemathesis.openapi.from_dict(self._plan.document)
        methods = self._plan.rounds[number]
        for at, found in enumerate(document.get_all_operations()):
            assert isinstance(found, Ok), found
            operation = found.ok()
            if operation.method.upper() in methods:
                self.tally.operations += 1
                for part, (strategy, share) in enumerate(self._strategies(operation)):
                    chance = Random(f"{self._plan.seed}/{number}/{at}/{part}")
                    count = max(1, round(share * self._plan.each))
                    for case in self._generate(strategy, count, (number, at, part)):
                        yield self._sent(case, part, chance)

    def _sent(self, case: Case[Any], part: int, chance: Random) -> Sent:
        """Return the request with a role and a signature drawn for it. `part`: the index of the strategy that generated
        it.
        """
        name = _id(case)
        how = manner(self._plan.roles.get(name, []), signs=name in self._plan.signers, chance=chance)
        if part == VALID:
            case.path_parameters = {**case.path_parameters, **self._plan.own.get(name, {}).get(how.role, {})}
            known = self._plan.named.get(name)
            if known and isinstance(case.body, dict) and chance.random() < NAMED:
                case.body |= chance.choice(known)
        return Sent(case, how, part == VALID)

    def _strategies(
        self, operation: APIOperation[Any, Any, Any, Any]
    ) -> Iterator[tuple[SearchStrategy[Case[Any]], float]]:
        """Yield the ways to make a request, with their shares: valid and invalid ones about what exists, and any."""
        own = next(iter(self._plan.own.get(operation.definition.raw["operationId"], {}).values()), None) or None
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

    def _send(self, sent: Sent) -> None:
        try:
            status, seconds = self._visitor.ask(sent)
        finally:
            self._room.release()
        with self._counting:
            if seconds > self._slowest.get(_name(sent.case), (COSTLY_SECONDS, sent))[0]:
                self._slowest[_name(sent.case)] = seconds, sent
            if seconds > _limit(sent.case) or status == AWAY:
                self._slow.append((sent, status, seconds))
            else:
                self._count(sent, status, seconds)

    def _alone(self) -> None:
        """Send again, one at a time, what was too slow or to be sent again, and the slowest request of each
        operation.
        """
        for sent, status, seconds in self._slow:
            for _ in range(AGAIN):
                if seconds > _limit(sent.case) or status == AWAY:
                    status, least = self._visitor.ask(sent)
                    seconds = min(seconds, least)
            self._count(sent, status, seconds)
        for name, (_, sent) in self._slowest.items():
            cost = self._cost(sent)
            if cost > COSTLY_SECONDS and (cost := min(cost, self._cost(sent))) > COSTLY_SECONDS:
                self.tally.costly[name] = round(max(cost, self.tally.costly.get(name, 0.0)), 2)
        self._slow, self._slowest = [], {}

    def _cost(self, sent: Sent) -> float:
        """Send a request, and return the CPU seconds that the server needed meanwhile."""
        before = _cpu_seconds(self._plan.process)
        self._visitor.ask(sent)
        return _cpu_seconds(self._plan.process) - before

    def _count(self, sent: Sent, status: int, seconds: float) -> None:
        name, tally = _name(sent.case), self.tally
        tally.requests += 1
        tally.statuses[str(status)] = tally.statuses.get(str(status), 0) + 1
        tally.worst = max(tally.worst, (seconds, name))
        if sent.how.allowed:
            answers = tally.answers.setdefault(name, {})
            answers[str(status)] = answers.get(str(status), 0) + 1
        taken = 0 < status < 400
        tally.refused += not sent.how.allowed and not taken
        let_in = taken and sent.certain and not sent.how.allowed
        if status >= 500 or not status or seconds > _limit(sent.case) or let_in:
            what = f"let in as {sent.how}" if let_in else f"{status} after {seconds:.2f} s"
            tally.faults.append(f"{name}: {what}: {sent.case.as_curl_command()[:800]}")


def _id(case: Case[Any]) -> str:
    return str(case.operation.definition.raw["operationId"])


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
    told_plan = json.loads(sys.stdin.readline())
    signers = {name: Signers(**each) for name, each in told_plan.pop("signers").items()}
    plan = Plan(**told_plan, signers=signers)

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
