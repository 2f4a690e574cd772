"""Load a policy from TOML, and say what is wrong with it in words."""

import hashlib
import tomllib

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.policy.fatigue import Fatigue
from domain.policy.messages import Messages
from domain.policy.plan import Plan
from domain.policy.risk import RiskRules
from domain.policy.units import Section
from schemas.errors import UserError


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


def load(text: str) -> Policy:
    """Read a policy's TOML. Raises PolicyError naming each table and key that is wrong."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"not TOML: {error}") from error
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    try:
        return Policy.model_validate({**raw, "hash": digest})
    except ValidationError as error:
        raise PolicyError("\n".join(_line(item) for item in error.errors(include_url=False))) from error


def _line(item: ErrorDetails) -> str:
    loc, message = item["loc"], item["msg"]
    where = ".".join(str(part) for part in loc)
    return f"[{where}] {message.removeprefix('Value error, ')}"
