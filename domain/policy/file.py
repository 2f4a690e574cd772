"""Loads a policy from TOML and lists its faults."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Self

import tomli  # tomllib's own author's: only here an error has its line and column as numbers
from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from domain.policy.approval import HandoverRules, OwnAccountRules
from domain.policy.breaker_rules import BreakerRules
from domain.policy.channels.order import ChannelOrder
from domain.policy.duty import Duty
from domain.policy.experiments.fit import apart, within_plan
from domain.policy.experiments.plan import Experiments
from domain.policy.fatigue import Fatigue
from domain.policy.faults import LONGEST_GIVEN, FaultCode, PolicyFault, of_pydantic, refused
from domain.policy.lines import Path, array_items, line_of, places_of, repeated
from domain.policy.messages import Messages
from domain.policy.plan import Plan
from domain.policy.retention import CallRecordingRules, Retention, SubjectRequestRules
from domain.policy.risk import RiskRules, ShieldRules
from domain.policy.trace import TraceRules
from domain.policy.triage import TriageRules
from domain.policy.units import Section
from domain.policy.visits import VisitRules
from schemas.errors import UserError
from schemas.levels import RISING

# Python's parser takes time quadratic in the number of a key's parts. Jilin's policy has 25,000 characters.
LONGEST_TEXT, LONGEST_LINE, MOST_DOTS = 400_000, 2_000, 100
MOST_FAULTS = 40  # more would not be read


class PolicyError(UserError, ValueError):
    """A policy cannot be used. The text of the error is for logs; console/policy_faults.py has sentences for people.

    `faults`: the faults, ordered by line. `file`: the file's name, "" if the policy did not come from a file.
    """

    def __init__(self, faults: Sequence[PolicyFault], file: str = "") -> None:
        super().__init__(f"policy {file or '(no file)'} cannot be used: {'; '.join(map(str, faults))}")
        self.faults, self.file = tuple(faults), file


class Policy(Section):
    """All settings of a province. `hash`: the digest of the text, which every case event contains.

    `fatigue` None: no contact is postponed. `breaker`: the limits for the next policy; None: no policy is stopped.
    `duty` None: rosters have no requirements. `shield` None: nobody is protected after a loss.
    `handover` None: no case passes to or from another province. `channel_order` None: each plan's own order of contacts
    stands. Other sections that a text lacks have their defaults.
    The constructor raises ValidationError for invalid values; `load` raises PolicyError instead.
    """

    name: str
    hash: str
    risk: RiskRules
    plan: Plan
    messages: Messages
    fatigue: Fatigue | None = None
    breaker: BreakerRules | None = None
    duty: Duty | None = None
    shield: ShieldRules | None = None
    handover: HandoverRules | None = None
    channel_order: ChannelOrder | None = None
    triage: TriageRules = TriageRules()
    visits: VisitRules = VisitRules()
    retention: Retention = Retention()
    trace: TraceRules = TraceRules()
    own_account: OwnAccountRules = OwnAccountRules()
    subject_requests: SubjectRequestRules = SubjectRequestRules()
    recording: CallRecordingRules = CallRecordingRules()
    experiments: Experiments = Field(default_factory=dict)

    @model_validator(mode="after")
    def _experiments_fit(self) -> Self:
        """Raises PydanticCustomError if an experiment does not fit the plan, the messages or another experiment."""
        for name, experiment in self.experiments.items():
            within_plan(name, experiment, self.plan, self.messages)
        apart(self.experiments)
        return self

    @model_validator(mode="after")
    def _question_has_texts(self) -> Self:
        """Refuse a question a week later without its texts."""
        missing = [name for name in ("week_call", "week_sms") if getattr(self.messages, name) is None]
        if self.plan.ask_after is not None and missing:
            raise refused(FaultCode.KEYS_MISSING, key="messages", names=missing)
        return self

    @model_validator(mode="after")
    def _reminder_is_whole(self) -> Self:
        """Refuse a reminder, of the plan or of an experiment's arm, without its text, times or results."""
        arms = (arm for experiment in self.experiments.values() for arm in experiment.arms.values())
        if self.plan.remind_after is None and all(arm.remind_after is None for arm in arms):
            return self
        for key, there in (
            ("plan.asked", "reminder" in self.plan.asked),
            ("plan.results", bool(self.plan.results.reminder)),
            ("messages", self.messages.reminder is not None),
        ):
            if not there:
                raise refused(FaultCode.KEYS_MISSING, key=key, names=["reminder"])
        return self

    @model_validator(mode="after")
    def _shield_fits(self) -> Self:
        """Refuse a shield that alone would open a case, and calls without their texts, times or results."""
        if self.risk.shield is not None:
            raise refused(FaultCode.UNKNOWN_KEY, key="risk.shield", name="shield")
        if self.shield is None:
            return self
        least = 2.0 ** (self.risk.prior - self.risk.levels[RISING[0]])
        if self.shield.threshold_factor <= least:
            raise refused(FaultCode.NOT_MORE, key="shield.threshold_factor", least=round(least, 6))
        for key, name, there in (
            ("plan.asked", "support", "support" in self.plan.asked),
            ("plan.results", "support_call", bool(self.plan.results.support_call)),
            ("messages", "support_call", self.messages.support_call is not None),
        ):
            if self.shield.support_calls and not there:
                raise refused(FaultCode.KEYS_MISSING, key=key, names=[name])
        return self


def digest_of(text: str) -> str:
    """Return the policy's digest: the first 16 hexadecimal digits of the SHA-256 of the exact text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def load(text: str) -> Policy:
    """Return the policy in a TOML text.

    Raises PolicyError with its faults, ordered by line: at most 40, then one MORE with the number of the others. If the
    text is not TOML, the error has only the first fault.
    """
    raw = _read(text)
    digest = digest_of(text)
    try:
        policy = Policy.model_validate({**raw, "hash": digest})
    except ValidationError as error:
        raise PolicyError(_faults(error.errors(include_url=False), text)) from error
    told = {"policy": digest, "shield": policy.shield}
    return policy.model_copy(update={"risk": policy.risk.model_copy(update=told)})


def faults_of(text: str) -> tuple[PolicyFault, ...]:
    """Return the faults of a policy's text, ordered by line: at most 40, then one MORE with the number of the others.

    Empty if the policy can be used.
    """
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
    """Return the fault at which the TOML parser stopped. The parser notices a repeated key only after the
    key's value.
    """
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
    places = {**dict(array_items(text)), **dict(places_of(text))}
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
    if code is FaultCode.RULE_HIDDEN:
        others = [(*error["loc"], *name.split(".")) for name in parameters["names"]]
        lines = [str(line) for other in others if (line := line_of(other, places)) is not None]
        parameters = {**parameters, "lines": lines}
    return PolicyFault(code, parameters, line_of(path, places), where, _shown(error["input"]))


def _shown(value: object) -> str:
    """Return a single value as in the text, shortened; "" for a table or an array."""
    if not isinstance(value, str | int | float):
        return ""
    return json.dumps(value, ensure_ascii=False)[:LONGEST_GIVEN]
