"""Loads a policy from TOML and lists its faults."""

import hashlib
import json
from collections.abc import Mapping, Sequence

import tomli  # tomllib's own author's: only here an error has its line and column as numbers
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.policy.approval import OwnAccountRules
from domain.policy.breaker_rules import BreakerRules
from domain.policy.duty import Duty
from domain.policy.fatigue import Fatigue
from domain.policy.faults import LONGEST_GIVEN, FaultCode, PolicyFault, of_pydantic
from domain.policy.lines import Path, line_of, places_of, repeated
from domain.policy.messages import Messages
from domain.policy.plan import Plan
from domain.policy.retention import Retention
from domain.policy.risk import RiskRules
from domain.policy.trace import TraceRules
from domain.policy.triage import TriageRules
from domain.policy.units import Section
from domain.policy.visits import VisitRules
from schemas.errors import UserError

# Python's parser takes time quadratic in the number of a key's parts. Jilin's policy has 25,000 characters.
LONGEST_TEXT, LONGEST_LINE, MOST_DOTS = 400_000, 2_000, 100
MOST_FAULTS = 40  # more would not be read


class PolicyError(UserError, ValueError):
    """Raised if a policy is unusable. Its text is for logs; console/policy_faults.py has the sentences.

    `file`: the file's name, if it came from a file.
    """

    def __init__(self, faults: Sequence[PolicyFault], file: str = "") -> None:
        super().__init__(f"policy {file or '(no file)'} cannot be used: {'; '.join(map(str, faults))}")
        self.faults, self.file = tuple(faults), file


class Policy(Section):
    """Everything that a province can set. `hash` is the digest of the text; every case event has it.

    `fatigue` None: no contact is put off; `breaker`: judges the next policy, None: it is not judged; `duty` None:
    rosters have no requirements. Sections that a text lacks have their defaults. Raises ValidationError if it is
    invalid; `load` turns that into PolicyError.
    """

    name: str
    hash: str
    risk: RiskRules
    plan: Plan
    messages: Messages
    fatigue: Fatigue | None = None
    breaker: BreakerRules | None = None
    duty: Duty | None = None
    triage: TriageRules = TriageRules()
    visits: VisitRules = VisitRules()
    retention: Retention = Retention()
    trace: TraceRules = TraceRules()
    own_account: OwnAccountRules = OwnAccountRules()


def digest_of(text: str) -> str:
    """Return the policy's digest: the first 16 hexadecimal digits of the SHA-256 of the exact text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def load(text: str) -> Policy:
    """Parse a policy's TOML. Raises PolicyError with its faults, ordered by line: at most 40, then one MORE with the
    number of the others. If the text is not TOML, only the first fault is known.
    """
    raw = _read(text)
    digest = digest_of(text)
    try:
        policy = Policy.model_validate({**raw, "hash": digest})
    except ValidationError as error:
        raise PolicyError(_faults(error.errors(include_url=False), text)) from error
    return policy.model_copy(update={"risk": policy.risk.model_copy(update={"policy": digest})})


def faults_of(text: str) -> tuple[PolicyFault, ...]:
    """Return the faults of a policy's text, ordered by line: at most 40, then one MORE; empty if it is usable."""
    try:
        load(text)
    except PolicyError as error:
        return error.faults
    return ()


def _read(text: str) -> dict[str, object]:
    if fault := _too_long(text):
        raise PolicyError([fault])
    try:
        return tomli.loads(text)
    except RecursionError:
        fault = PolicyFault(FaultCode.TOO_DEEP, {})
    except tomli.TOMLDecodeError as error:
        fault = _unreadable(text, error)
    except ValueError:  # a number that Python cannot parse
        fault = PolicyFault(FaultCode.UNREADABLE, {})
    raise PolicyError([fault])


def _too_long(text: str) -> PolicyFault | None:
    if len(text) > LONGEST_TEXT:
        return PolicyFault(FaultCode.TEXT_TOO_LONG, {"most": LONGEST_TEXT})
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > LONGEST_LINE or line.count(".") > MOST_DOTS:
            return PolicyFault(FaultCode.LINE_TOO_LONG, {"most": LONGEST_LINE, "dots": MOST_DOTS}, number)
    return None


def _unreadable(text: str, error: tomli.TOMLDecodeError) -> PolicyFault:
    """Return the fault at which the TOML parser stopped. It notices a repeated key only after its value."""
    if found := repeated(text, error.lineno):
        path, line = found
        return PolicyFault(FaultCode.STANDS_TWICE, {"name": ".".join(path)}, line)
    rest = text[error.pos :].lstrip(" \t")
    if not rest:
        return PolicyFault(FaultCode.TEXT_UNFINISHED, {}, text.rstrip("\n").count("\n") + 1)
    if rest[0] == "\n":
        return PolicyFault(FaultCode.LINE_UNFINISHED, {}, error.lineno)
    sign = rest[0] if rest[0].isprintable() else f"U+{ord(rest[0]):04X}"
    column = error.colno + len(text) - error.pos - len(rest)
    return PolicyFault(FaultCode.UNEXPECTED_SIGN, {"sign": sign, "column": column}, error.lineno)


def _faults(errors: Sequence[ErrorDetails], text: str) -> list[PolicyFault]:
    places = dict(places_of(text))
    found = sorted((_fault(error, places) for error in errors), key=lambda fault: (fault.line or 0, fault.where))
    more = [PolicyFault(FaultCode.MORE, {"count": len(found) - MOST_FAULTS})] if len(found) > MOST_FAULTS else []
    return found[:MOST_FAULTS] + more


def _fault(error: ErrorDetails, places: Mapping[Path, int]) -> PolicyFault:
    code, parameters = of_pydantic(error)
    path = [str(part) for part in error["loc"] if part != "[key]"]
    inner = parameters.get("key", "").split(".")  # the error is about a whole table
    for length in range(len(inner), 0, -1):
        if (*path, *inner[:length]) in places:
            path += inner[:length]
            break
    where = ".".join(part[:LONGEST_GIVEN] for part in path)
    return PolicyFault(code, parameters, line_of(path, places), where, _shown(error["input"]))


def _shown(value: object) -> str:
    """Return a single value as in the text, shortened; "" for a table or an array."""
    if not isinstance(value, str | int | float):
        return ""
    return json.dumps(value, ensure_ascii=False)[:LONGEST_GIVEN]
