"""Load a policy from TOML, and say what is wrong with it in words."""

import hashlib
import tomllib

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.policy.breaker_rules import BreakerRules
from domain.policy.duty import Duty
from domain.policy.fatigue import Fatigue
from domain.policy.messages import Messages
from domain.policy.plan import Plan
from domain.policy.retention import Retention
from domain.policy.risk import RiskRules
from domain.policy.triage import TriageRules
from domain.policy.units import Section
from domain.policy.visits import VisitRules
from schemas.errors import UserError

# Python's reader takes a time that grows with the square of a key's parts; Jilin's policy has 25,000 characters.
LONGEST_TEXT, LONGEST_LINE, MOST_DOTS = 400_000, 2_000, 100
MOST_LINES, LONGEST_MESSAGE = 40, 500  # of what is wrong: more of it nobody reads


class PolicyError(UserError, ValueError):
    """A policy that cannot be used: each line says where, what and what to write instead."""


class Policy(Section):
    """Everything a province may set. `hash` is of the text's content, and stands in every case event."""

    name: str
    hash: str
    risk: RiskRules
    plan: Plan
    messages: Messages
    fatigue: Fatigue | None = None  # none in a policy of before: then nothing is put off
    breaker: BreakerRules | None = None  # of the policy that follows this one; none: it is not judged
    duty: Duty | None = None  # none: no roster is measured by it
    triage: TriageRules = TriageRules()  # in a policy of before: by what is usual
    visits: VisitRules = VisitRules()  # in a policy of before: by what is usual
    retention: Retention = Retention()  # in a policy of before: by what is usual


def digest_of(text: str) -> str:
    """Return the policy's hash: the first 16 hexadecimal digits of the SHA-256 of `text`, exactly as it is."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def load(text: str) -> Policy:
    """Read a policy's TOML. Raises PolicyError naming each table and key that is wrong."""
    raw = _read(text)
    digest = digest_of(text)
    try:
        policy = Policy.model_validate({**raw, "hash": digest})
    except ValidationError as error:
        lines = [_line(item) for item in error.errors(include_url=False)]
        more = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
        raise PolicyError("\n".join(lines[:MOST_LINES] + more)) from error
    return policy.model_copy(update={"risk": policy.risk.model_copy(update={"policy": digest})})


def _read(text: str) -> dict[str, object]:
    if len(text) > LONGEST_TEXT:
        raise PolicyError(f"longer than {LONGEST_TEXT:,} characters")
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > LONGEST_LINE or line.count(".") > MOST_DOTS:
            raise PolicyError(f"line {number}: over {LONGEST_LINE:,} characters, or over {MOST_DOTS} points in it")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise PolicyError("not TOML as a policy has it: arrays or tables lie too deep in one another") from None
    except ValueError as error:  # also of a number that Python does not read
        raise PolicyError(f"not TOML: {error}") from error


def _line(item: ErrorDetails) -> str:
    loc, message = item["loc"], item["msg"]
    where = ".".join(str(part)[:64] for part in loc)
    return f"[{where}] {message.removeprefix('Value error, ')[:LONGEST_MESSAGE]}"
