"""The reactions of people, officers and banks. Randomness is an argument; all figures are in figures.py."""

from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from schemas.casework.inputs import Checklist, VisitStage
from schemas.levels import Action, Outcome, Result
from simulators.assumptions import figures
from simulators.assumptions.chance import between, pick, seconds
from simulators.assumptions.figures import SCAMS


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a contact, and the delay `after` which it comes. `result`: None: no receipt ever comes. `then`: the
    reply to a message, with its delay after the message; None without one.
    """

    result: Result | None
    after: timedelta
    then: "Answer | None" = None


@dataclass(frozen=True, slots=True)
class Situation:
    """The true situation of a contacted resident. `scam_type`: None: they are in no scam.

    `payments_made`: number of settled payments; `payments_to_come`: number of those not made yet or in flight;
    `persuaded`: True if they are dissuaded now; `on_the_line`: True if the scammer is calling now; `talks`: number of
    earlier conversations; `objects`: True if they object to calls; `asked`: True if the scam asks for money, which most
    never do; `paid_since`, `contacted_again`: True if, since they were first dissuaded, they have paid, or believe the
    scammer again.
    """

    scam_type: str | None = None
    payments_made: int = 0
    payments_to_come: int = 0
    persuaded: bool = False
    on_the_line: bool = False
    talks: int = 0
    objects: bool = False
    asked: bool = False
    paid_since: bool = False
    contacted_again: bool = False

    @property
    def robbed(self) -> bool:
        """True if all payments that the scam will ever ask for are settled, and there is at least one."""
        return self.asked and self.payments_made > 0 and self.payments_to_come == 0


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation, or a call that was not answered (`outcome` UNREACHABLE). `lasted`: its duration; `because`: the
    reason of the outcome, in words.
    """

    outcome: Outcome
    lasted: timedelta
    because: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A report of an officer. `after`: the delay since the task was sent; `outcome`, `checklist`: None before the end
    of the visit.
    """

    stage: VisitStage
    after: timedelta
    checklist: Checklist | None = None
    outcome: Outcome | None = None


def sms(chance: Random) -> Answer:
    """Return a random receipt of a text message and its delay: usually some seconds, sometimes 36 minutes. The result
    is None if no receipt comes.
    """
    word = pick(chance, figures.SMS_RECEIPT)
    late = chance.random() < figures.SMS_VERY_LATE
    if late:
        return Answer(Result.DELIVERED, timedelta(seconds=figures.SMS_LATE_SECONDS))
    return Answer(Result(word) if word else None, seconds(chance, figures.SMS_SECONDS, figures.SMS_SPREAD))


def robot_call(chance: Random, situation: Situation) -> Answer:
    """Return a random result of an automated call and its delay. About 40 % refuse the call; while the scammer is
    calling, the line is mostly busy.
    """
    if situation.on_the_line and chance.random() < figures.BUSY_WITH_SCAMMER:
        return Answer(Result.BUSY, between(chance, 2, 6))
    shares = dict(figures.ROBOT_CALL)
    if situation.objects:
        shares["refused"] *= figures.REFUSES_AGAIN
        shares["hung_up"] *= figures.REFUSES_AGAIN
    return Answer(Result(pick(chance, shares)), between(chance, 8, 45))


def week_call(chance: Random, situation: Situation) -> Answer:
    """Return a random result of the call that asks a week later whether the resident has paid since. Whoever presses a
    key presses that of their answer.
    """
    answer = robot_call(chance, situation)
    pressed = answer.result in (Result.ACKNOWLEDGED, Result.WANTS_OPERATOR)
    return replace(answer, result=_of_the_week(chance, situation)) if pressed else answer


def week_sms(chance: Random, situation: Situation) -> Answer:
    """Return a random receipt of the message that asks a week later whether the resident has paid since, and the reply
    if there is one.
    """
    answer = sms(chance)
    if answer.result is not Result.DELIVERED or chance.random() >= figures.REPLIES_TO_QUESTION:
        return answer
    after = timedelta(hours=chance.uniform(*figures.REPLY_HOURS))
    return replace(answer, then=Answer(_of_the_week(chance, situation), answer.after + after))


def _of_the_week(chance: Random, situation: Situation) -> Result:
    if situation.paid_since and chance.random() < figures.ADMITS_PAYING:
        return Result.PAID_SINCE
    return Result.CONTACTED_AGAIN if situation.contacted_again and not situation.paid_since else Result.NOTHING_PAID


def contact_dissuades(chance: Random, action: Action, result: Result, situation: Situation) -> bool:
    """Return True, at random, if a message or automated call (to the resident or a trusted contact) with this result
    dissuades the resident. Always False for a resident in no scam.
    """
    if situation.scam_type is None:
        return False
    return chance.random() < _weight(action, result) * persuades(situation)


def _weight(action: Action, result: Result) -> float:
    if action in (Action.SMS, Action.FLASH_SMS, Action.REMINDER):
        return figures.READS_SMS * figures.SMS_PERSUADES if result is Result.DELIVERED else 0.0
    if action is Action.CONTACT_SMS:
        return figures.READS_SMS * figures.CONTACT_PERSUADES if result is Result.DELIVERED else 0.0
    if result is not Result.ACKNOWLEDGED:
        return 0.0
    return figures.CONTACT_PERSUADES if action is Action.CONTACT_CALL else figures.ROBOT_PERSUADES


def persuades(situation: Situation) -> float:
    """Return the probability (0 to 1) that a conversation dissuades the resident. It depends on the scam type, the
    payments made, earlier conversations, whether the scam asks for money and, with false police, whether the scammer is
    on the line; 0 for a resident in no scam. Raises KeyError for an unknown scam type.
    """
    if situation.scam_type is None:
        return 0.0
    chance = SCAMS[situation.scam_type].talked_round
    chance *= figures.HARDER_EACH_PAYMENT**situation.payments_made * figures.EASIER_EACH_TALK**situation.talks
    if situation.scam_type == "police" and situation.on_the_line:
        chance *= 1 - figures.FAKE_POLICE
    return min(chance, 1.0) if situation.asked else min(chance * figures.ONLY_TOUCHED, 1.0)


def talk(chance: Random, situation: Situation) -> Talk:
    """Return a random end of an operator's call with its duration: UNREACHABLE if the line is busy or nobody answers,
    else FALSE_ALARM, ALREADY_DEFRAUDED, DISSUADED or NOT_PERSUADED.
    """
    busy = situation.on_the_line and chance.random() < figures.BUSY_WITH_SCAMMER
    if busy or chance.random() > figures.TAKES_OPERATOR:
        return Talk(Outcome.UNREACHABLE, between(chance, 10, 40), "busy" if busy else "did not take the call")
    lasted = seconds(chance, figures.TALK_SECONDS, figures.TALK_SPREAD, most=1200)
    return _ended(chance, situation, persuades(situation), lasted)


def _ended(chance: Random, situation: Situation, likely: float, lasted: timedelta) -> Talk:
    if situation.scam_type is None:
        return Talk(Outcome.FALSE_ALARM, lasted, "nothing suspicious behind it")
    if situation.robbed and not situation.persuaded:
        return Talk(Outcome.ALREADY_DEFRAUDED, lasted, "the money is gone")
    if situation.persuaded or chance.random() < likely:
        return Talk(Outcome.DISSUADED, lasted, "understood, and will not pay")
    if situation.scam_type == "police" and chance.random() < figures.FAKE_POLICE:
        return Talk(Outcome.NOT_PERSUADED, lasted, "takes this call for the fake one")
    return Talk(Outcome.NOT_PERSUADED, lasted, "does not believe it")


@dataclass(frozen=True, slots=True)
class Visit:
    """An officer's reports up to the door; empty if the officer does not answer the task. `talks_after`: delay from the
    task to the end of the conversation at the door; None: no conversation takes place.
    """

    stages: tuple[Stage, ...]
    talks_after: timedelta | None


def visit(chance: Random) -> Visit:
    """Return a random visit of an officer: the task is accepted, refused or not answered; if accepted, the travel, and
    whether somebody is at home.
    """
    answer = pick(chance, figures.OFFICER)
    after = between(chance, *figures.OFFICER_ACCEPTS_SECONDS)
    if answer == "late":
        return Visit((), None)  # no report: the next officer is sent when the deadline passes
    if answer == "refused":
        return Visit((Stage(VisitStage.REFUSED, after),), None)
    return _travelled(chance, after)


def _travelled(chance: Random, accepted: timedelta) -> Visit:
    leaves = accepted + between(chance, 20, 90)
    arrives = leaves + seconds(chance, figures.TRAVEL_MINUTES * 60, figures.TRAVEL_SPREAD, most=7200)
    stages = (
        Stage(VisitStage.ACCEPTED, accepted),
        Stage(VisitStage.ON_THE_WAY, leaves),
        Stage(VisitStage.ARRIVED, arrives),
    )
    if chance.random() > figures.AT_HOME:
        return Visit((*stages, Stage(VisitStage.NOT_AT_HOME, arrives + between(chance, 60, 300))), None)
    return Visit(stages, arrives + seconds(chance, figures.VISIT_MINUTES * 60, figures.VISIT_SPREAD, most=3600))


def at_the_door(chance: Random, situation: Situation) -> Talk:
    """Return a random outcome of a conversation at the door, which dissuades more often than a call. Its duration is
    always 0: the visit states it.
    """
    likely = max(figures.VISIT_FLOOR, figures.VISIT_PERSUADES * figures.HARDER_EACH_PAYMENT**situation.payments_made)
    return _ended(chance, situation, likely, timedelta(0))


def checklist(chance: Random) -> Checklist:
    """Return a random checklist 四查看 三询问 一保护, nearly always complete."""
    return Checklist(**{name: chance.random() < figures.CHECKED for name in Checklist.model_fields})


def bank_delay(chance: Random) -> timedelta:
    """Return a random time that a bank takes to answer a request: at most 30 minutes."""
    return seconds(chance, figures.BANK_SECONDS, figures.BANK_SPREAD, most=1800)


def bank_refuses(chance: Random) -> bool:
    """Return True, at random, if the bank refuses a request because name, account, amount or time does not match."""
    return chance.random() < figures.BANK_REFUSES
