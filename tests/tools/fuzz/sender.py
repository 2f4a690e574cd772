"""`python -m tests.tools.fuzz.sender`: sends generated requests for each operation of an OpenAPI document.

A process of its own, so that what generating costs is not in the server's time and memory. The first line of its
input is a Plan as JSON. It writes lines of JSON: {"enter": role} asks for the headers of a new session, which the next
line of its input has; {"round": number} when a round is done; then {"tally": …}, a Tally.
"""

import json
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
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
SHOWN = 60
STRANGE = 10  # each so many requests of a person keep the token that schemathesis invents
_SIGN_IN = re.compile(r"^(https?://[^/]+)?/sign-in")


@dataclass(frozen=True)
class Plan:
    """`each`: requests for an operation in a round. `rounds`: the HTTP methods of each round. `own`: by operation, what
    its path's parameters are when they name something that exists. `roles`: by operation, as whom it is sent, or "".
    """

    document: dict[str, Any]
    address: str
    each: int
    seed: int
    rounds: list[list[str]]
    own: dict[str, dict[str, str]]
    roles: dict[str, str]


@dataclass
class Tally:
    """`statuses`: how often each was answered; `worst`: the slowest request in seconds, and its operation. `faults`: a
    status of 500 or more, no answer, or one that took over a second each time it was asked for; of an act, over a
    second more than it may wait for its effect.
    """

    requests: int = 0
    operations: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    worst: tuple[float, str] = (0.0, "")
    faults: list[str] = field(default_factory=list)


class Sender:
    """Sends a plan's requests. `enter`: returns the headers of a new session of a role."""

    def __init__(self, plan: Plan, enter: Callable[[str], dict[str, str]]) -> None:
        self._plan, self._enter, self.tally = plan, enter, Tally()
        self._session = requests.Session()
        self._session.trust_env = False
        self._headers: dict[str, dict[str, str]] = {}

    def round(self, number: int) -> None:
        """Send one round: `each` requests for every operation of its methods."""
        document = schemathesis.openapi.from_dict(self._plan.document)
        methods = self._plan.rounds[number]
        for at, found in enumerate(document.get_all_operations()):
            assert isinstance(found, Ok), found
            operation = found.ok()
            if operation.method.upper() in methods:
                self.tally.operations += 1
                for part, (strategy, share) in enumerate(self._strategies(operation)):
                    self._generate(strategy, max(1, round(share * self._plan.each)), (number, at, part))

    def _strategies(
        self, operation: APIOperation[Any, Any, Any, Any]
    ) -> Iterator[tuple[SearchStrategy[Case[Any]], float]]:
        """Yield the ways to make a request, with their shares: valid and invalid ones about what exists, and any."""
        own = self._plan.own.get(operation.definition.raw["operationId"]) or None
        yield operation.as_strategy(generation_mode=GenerationMode.POSITIVE, path_parameters=own), 0.6
        yield operation.as_strategy(generation_mode=GenerationMode.NEGATIVE, path_parameters=own), 0.2
        yield operation.as_strategy(generation_mode=GenerationMode.POSITIVE), 0.2

    def _generate(self, strategy: SearchStrategy[Case[Any]], count: int, where: tuple[int, ...]) -> None:
        @seed(hash((self._plan.seed, *where)))
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def send(case: Case[Any]) -> None:
            self._send(case)

        with suppress(Unsatisfiable):  # nothing is invalid where nothing is given
            send()

    def _send(self, case: Case[Any]) -> None:
        role = self._plan.roles.get(case.operation.definition.raw["operationId"], "")
        status, seconds = self._asked(case, role)
        if status == 401:
            self._headers.pop(role, None)
            status, seconds = self._asked(case, role)
        slow = SLOW_SECONDS + (0 if case.method == "GET" else ACT_SECONDS)
        for _ in range(AGAIN):
            if seconds > slow:
                seconds = min(seconds, self._asked(case, role)[1])
        name = f"{case.method} {case.operation.path}"
        self.tally.requests += 1
        self.tally.statuses[str(status)] = self.tally.statuses.get(str(status), 0) + 1
        self.tally.worst = max(self.tally.worst, (seconds, name))
        if status >= 500 or not status or seconds > slow:
            self.tally.faults.append(f"{name}: {status} after {seconds:.2f} s: {case.as_curl_command()[:800]}")

    def _asked(self, case: Case[Any], role: str) -> tuple[int, float]:
        """Return the answer's status and the seconds it took. The status is 0 if there was no answer, and 401 if the
        answer leads to the sign-in. Of an endless answer only the beginning is read.
        """
        if role and role not in self._headers:
            self._headers[role] = self._enter(role)
        if isinstance(case.body, dict) and "form" in case.body:
            case.body["form"] = secrets.token_hex(8)  # as the page has it: the same one twice is one act
        own = self._headers.get(role, {})
        sent = case.as_transport_kwargs(base_url=self._plan.address, headers=own)
        if role and "authorization" not in own and self.tally.requests % STRANGE:
            sent["headers"].pop("Authorization", None)  # a token that nobody has: all would be refused at the door
        began = time.monotonic()
        try:
            with self._session.request(**sent, allow_redirects=False, stream=True, timeout=30) as answer:
                if "text/event-stream" not in answer.headers.get("content-type", ""):
                    _ = answer.content
                left = role and _SIGN_IN.match(answer.headers.get("location", ""))
                return (401 if left else answer.status_code), time.monotonic() - began
        except requests.RequestException:
            return 0, time.monotonic() - began


def main() -> None:
    """Carry out the plan on standard input."""
    plan = Plan(**json.loads(sys.stdin.readline()))

    def enter(role: str) -> dict[str, str]:
        told({"enter": role})
        headers: dict[str, str] = json.loads(sys.stdin.readline())
        return headers

    sender = Sender(plan, enter)
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
