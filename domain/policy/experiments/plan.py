"""The plan of a randomised experiment, registered before the first resident is assigned.

The rules below are conditions of the plan, not of its evaluation: a policy with a plan that breaks one cannot be put in
force. Red and orange cases, minors, and people under duress or in a live scam call are in no experiment.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from domain.policy.experiments.arms import Arm, ArmName
from domain.policy.experiments.power import Expectation, NeededUnits, needed_units
from domain.policy.faults import FaultCode, refused
from domain.policy.units import Duration, Section, spelt
from schemas.base import MOST_FEN, When
from schemas.levels import Level

LEAST_BLOCK, MOST_BLOCK = (
    timedelta(hours=1),
    timedelta(days=7),
)  # of a switchback; a case's first day lies in few blocks
LEAST_WAVE = timedelta(days=7)  # of a stepped wedge: outcomes take 3 days, and a station needs days to change
LONGEST = timedelta(days=731)
OUTCOME_WITHIN = timedelta(hours=72)  # after the assignment: the money that leaves then is the primary outcome
HOUSEHOLD_WITHIN = timedelta(hours=72)  # after the first member: who is assigned then is in the household's outcome
LONGEST_REPORTS = timedelta(days=90)
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=300)]
Share = Annotated[float, Field(gt=0, lt=1)]


class RandomisedUnit(StrEnum):
    """What is randomised. RESIDENT: each resident once. HOUSEHOLD: all residents of a dwelling together. HOUR: a span
    of time for all (a switchback). STATION: the area of a station, which changes from the control to the arm at a
    random wave (a stepped wedge).
    """

    RESIDENT = "resident"
    HOUSEHOLD = "household"
    HOUR = "hour"
    STATION = "station"


class PrimaryOutcome(StrEnum):
    """The outcome that an experiment is judged by, from 0 to 1. MONEY: the money that left within 72 hours, as a share
    of the plan's cap. ANY_MONEY: 1 if any money left within 72 hours, else 0.
    """

    MONEY = "money"
    ANY_MONEY = "any_money"


class Consent(StrEnum):
    """How residents consent to an experiment.

    RECORDED: it has only residents whose entry in the register says that they agree. WAIVED: an ethics board has waived
    consent. Residents who object are left out in both.
    """

    RECORDED = "recorded"
    WAIVED = "waived"


class EthicsApproval(Section):
    """An approval by an ethics board, or its waiver of consent: `by`, the board; `on`, the date; `number`, that of its
    document.
    """

    by: Said
    on: date
    number: Said


class HarmRule(Section):
    """The rule by which an arm is stopped early: its mean outcome is above the control's by more than `margin`, which
    is at most the plan's minimal effect.

    `alpha`: the probability that the rule ever stops an arm whose true mean is not so high. At least 0.001: with less,
    it would ask for more evidence than an experiment can have, and stop nothing.
    """

    margin: Annotated[float, Field(ge=0, lt=1)]
    alpha: Annotated[float, Field(ge=0.001, le=0.2)]


class Assumed(Section):
    """The assumptions of a plan: `spread`, the standard deviation of the outcome (which is from 0 to 1), and the number
    of units that are randomised on a day.
    """

    spread: Annotated[float, Field(gt=0, le=0.5)]
    units_per_day: Annotated[float, Field(gt=0, le=100_000)]


class ExperimentPlan(Section):
    """The plan of an experiment, registered before it starts. `question`: what is to be learned. `seed`: of the
    assignment, fixed at registration.

    `unit`: what is randomised; `block`: the length of a span of time (unit "hour") or of a wave (unit "station").
    `levels`: of the cases. `arms`, `control`: the options, and the name of the one that changes nothing. `floor`: the
    lowest probability of an arm; the lower, the more units are needed.

    `outcome`: the primary one, from the banks' payments and the police's records (domain/experiments/outcomes);
    `cap_fen`: of the outcome MONEY. `reports_within`: how long after the 72 hours a report of money that left then may
    come; the outcome is final after that. The 72 hours begin with the assignment, or when the reminder is due (see
    `remind_after`). `minimal_effect`: the smallest difference of mean outcomes worth finding;
    `alpha`: the probability that the bounds of any arm, at any time, exclude its true difference; `power`: the
    probability of finding the effect in time. `stopped_at`: when it was stopped (see `stopped`).
    """

    question: Said
    registered_by: Said
    registered_on: date
    ethics: EthicsApproval
    consent: Consent
    waiver: EthicsApproval | None = None
    seed: Annotated[str, StringConstraints(min_length=8, max_length=64, pattern=r"^[0-9A-Za-z._-]+$")]
    unit: RandomisedUnit
    block: Duration | None = None
    levels: tuple[Literal[Level.YELLOW, Level.BLUE], ...] = Field(min_length=1, max_length=2)
    starts: When
    ends: When
    control: ArmName
    arms: dict[ArmName, Arm] = Field(min_length=2, max_length=6)
    floor: Annotated[float, Field(ge=0.05, le=0.5)] = 0.1
    outcome: PrimaryOutcome
    cap_fen: Annotated[int, Field(ge=100_00, le=MOST_FEN)] | None = None
    reports_within: Duration = timedelta(hours=24)  # a bank's or the police's file of the day has come by then
    minimal_effect: Share
    alpha: Annotated[float, Field(gt=0, le=0.1)]
    power: Annotated[float, Field(ge=0.5, lt=1)]
    assumed: Assumed
    harm: HarmRule
    stopped_at: When | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        self._lawful()
        self._comparable()
        self._randomised()
        if self.outcome is PrimaryOutcome.MONEY and self.cap_fen is None:
            raise refused(FaultCode.KEYS_MISSING, key="outcome", names=["cap_fen"])
        if self.reports_within > LONGEST_REPORTS:
            raise refused(FaultCode.NOT_BETWEEN, key="reports_within", least="0h", most=spelt(LONGEST_REPORTS))
        if self.harm.margin > self.minimal_effect:
            raise refused(FaultCode.NOT_BETWEEN, key="harm.margin", least=0, most=self.minimal_effect)
        if self.ends <= self.starts or self.ends - self.starts > LONGEST:
            least, most = spelt(timedelta(days=1)), spelt(LONGEST)
            raise refused(FaultCode.NOT_BETWEEN, key="ends", least=least, most=most)
        if self.unit is not RandomisedUnit.STATION and self.planned.span > self.ends - self.starts:
            raise refused(FaultCode.UNDERPOWERED, key="ends", count=self.planned.units, days=round(self.planned.days))
        return self

    def _lawful(self) -> None:
        if self.consent is Consent.WAIVED and self.waiver is None:
            raise refused(FaultCode.KEYS_MISSING, key="consent", names=["waiver"])
        approvals = [each for each in (self.ethics, self.waiver) if each]
        if any(each.on > self.starts.date() for each in approvals) or self.registered_on > self.starts.date():
            raise refused(FaultCode.STARTS_BEFORE_APPROVAL, key="starts")

    def _comparable(self) -> None:
        if self.control not in self.arms:
            raise refused(FaultCode.KEYS_MISSING, key="arms", names=[self.control])
        for name, arm in self.arms.items():
            if arm.changes == (name == self.control):
                code = FaultCode.CONTROL_CHANGES if arm.changes else FaultCode.ARM_CHANGES_NOTHING
                raise refused(code, key=f"arms.{name}", name=name)
        if self.remind_after is not None:
            self._reminds_only()

    def _reminds_only(self) -> None:
        """Check that an experiment with reminders compares one of them with none, and nothing else: its residents are
        assigned when they are dissuaded, and its outcome counts from when the reminder is due.
        """
        if len(self.arms) > len((self.control, "arm")):
            raise refused(FaultCode.TOO_MANY_ITEMS, key="arms", most=2)
        for name in self.tested:
            if self.arms[name].changes_warnings:
                raise refused(FaultCode.REMINDER_AND_WARNING, key=f"arms.{name}", name=name)

    def _randomised(self) -> None:
        total = sum(arm.weight for arm in self.arms.values())
        if abs(total - 1) > 1e-6:
            raise refused(FaultCode.WEIGHTS_NOT_ONE, key="arms", given=f"{total:g}")
        for name, arm in self.arms.items():
            if arm.weight < self.floor:
                raise refused(FaultCode.NOT_BETWEEN, key=f"arms.{name}.weight", least=self.floor, most=1)
        if self.unit in (RandomisedUnit.RESIDENT, RandomisedUnit.HOUSEHOLD):
            return
        if self.block is None:
            raise refused(FaultCode.KEYS_MISSING, key="unit", names=["block"])
        if self.unit is RandomisedUnit.HOUR and not LEAST_BLOCK <= self.block <= MOST_BLOCK:
            raise refused(FaultCode.NOT_BETWEEN, key="block", least=spelt(LEAST_BLOCK), most=spelt(MOST_BLOCK))
        if self.unit is RandomisedUnit.STATION:
            self._stepped(self.block)

    def _stepped(self, block: timedelta) -> None:
        """Check a stepped wedge: two arms, and from 3 waves to as many as the floor allows."""
        if len(self.arms) > len((self.control, "arm")):
            raise refused(FaultCode.TOO_MANY_ITEMS, key="arms", most=2)
        longest = (self.ends - self.starts) / 3  # all on the control at first, all on the arm at last, both between
        shortest = max(LEAST_WAVE, (self.ends - self.starts) * self.floor)
        if not shortest <= block <= longest:
            raise refused(FaultCode.NOT_BETWEEN, key="block", least=spelt(shortest), most=spelt(longest))

    @property
    def waves(self) -> int:
        """The number of waves of a stepped wedge; 1 for other units."""
        return (self.ends - self.starts) // self.block if self.unit is RandomisedUnit.STATION and self.block else 1

    @property
    def tested(self) -> tuple[str, ...]:
        """The names of the arms that are compared with the control."""
        return tuple(name for name in self.arms if name != self.control)

    def needed(self) -> NeededUnits:
        """Return how many units, and days, the plan needs to find its minimal effect in the arm that is assigned least.

        With several arms, each has its part of `alpha` (Bonferroni).
        """
        return self._needed(min(self.arms[name].weight for name in self.tested), self.arms[self.control].weight)

    @property
    def planned(self) -> NeededUnits:
        """How many units, and days, the plan needs if all arms have the same weight: the weights may change later, and
        neither the plan's validity nor its analysis may change with them.
        """
        return self._needed(1 / len(self.arms), 1 / len(self.arms))

    @property
    def underpowered(self) -> bool:
        """True if the plan is too short for its power with its weights. A stepped wedge is not checked."""
        return self.unit is not RandomisedUnit.STATION and self.needed().span > self.ends - self.starts

    def _needed(self, arm: float, control: float) -> NeededUnits:
        expected = Expectation(self.assumed.spread, self.assumed.units_per_day)
        alpha = self.alpha / len(self.tested)
        return needed_units(self.minimal_effect, (arm, control), alpha, self.power, expected, self.floor)

    @property
    def remind_after(self) -> timedelta | None:
        """How long after the resident was dissuaded the tested arm reminds them; None if the experiment is not about
        reminders. With one, residents are assigned when they are dissuaded, else when their plan begins.
        """
        return next((arm.remind_after for arm in self.arms.values() if arm.remind_after is not None), None)

    @property
    def final_after(self) -> timedelta:
        """How long after its 72 hours begin a case's outcome is final."""
        return OUTCOME_WITHIN + self.reports_within

    @property
    def complete_at(self) -> datetime:
        """The time at which the outcomes of all units are final, if the last one is assigned when the plan ends."""
        joins = HOUSEHOLD_WITHIN if self.unit is RandomisedUnit.HOUSEHOLD else timedelta()
        return self.ends + (self.remind_after or timedelta()) + joins + self.final_after

    @property
    def stopped(self) -> bool:
        """True if the plan has a stop, whatever its time: it never runs then. A policy whose stop lies in the future is
        not put in force.
        """
        return self.stopped_at is not None

    def runs_at(self, now: datetime) -> bool:
        """Return True if residents are assigned at `now`: from `starts` (inclusive) to `ends` (exclusive), unless the
        experiment is stopped.
        """
        return self.starts <= now < self.ends and not self.stopped


Experiments = dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,23}$")], ExperimentPlan]
