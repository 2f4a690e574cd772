"""The arms of an experiment: what each changes of a level's plan, within what the plan requires.

An arm may word the SMS differently, bring steps forward, have a person make a call instead of a machine, and remind the
dissuaded. It cannot leave a step out or delay it beyond the plan, so nobody gets less than without the experiment.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.policy.messages import Wording
from domain.policy.units import Duration, Section
from schemas.base import Token
from schemas.levels import Action

ArmName = Annotated[Token, Field(max_length=24)]


class CallerKind(StrEnum):
    """Who makes a call of the plan in place of the automated call. OPERATOR: an operator of the centre."""

    OPERATOR = "operator"

    @property
    def action(self) -> Action:
        """The action of such a call."""
        return _ACTIONS[self]


_ACTIONS = {CallerKind.OPERATOR: Action.OPERATOR_CALL}


class Arm(Section):
    """One of the options that an experiment compares. `weight`: the probability of being assigned to it.

    `after`: by name of the level's step, the time from the plan's start until it is due; at most the plan's own.
    `sms`: the text of the step `sms`, by language and scam type. `caller`: by name of a step that is an automated call,
    who calls instead. `remind_after`: how long after the resident was dissuaded they are reminded by text message. With
    none of these, the arm is the plan as it is.
    """

    weight: Annotated[float, Field(gt=0, lt=1)]
    after: dict[Token, Duration] = Field(default_factory=dict)
    sms: Wording | None = None
    caller: dict[Token, CallerKind] = Field(default_factory=dict)
    remind_after: Duration | None = None

    @property
    def changes(self) -> bool:
        """True if the arm differs from the plan."""
        return bool(self.after or self.caller) or self.sms is not None or self.remind_after is not None

    @property
    def changes_warnings(self) -> bool:
        """True if the arm changes the warnings of a level's plan, not only what follows them."""
        return bool(self.after or self.caller) or self.sms is not None

    def wording(self, action: Action) -> Wording | None:
        """Return the arm's own templates for an action, or None if the policy's templates apply. Only the action SMS
        can have templates of an arm.
        """
        return self.sms if action is Action.SMS else None
