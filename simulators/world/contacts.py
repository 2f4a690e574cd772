"""The reactions of residents, officers and banks to contacts, and their effect on the truth.

A dispatch's id determines its resident and its random stream: at the same moment and in the same situation of the
resident, the same dispatch gets the same reaction.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from threading import RLock

from domain.ids import resident_of
from schemas.base import Partial
from schemas.casework.acts import LossAvoidedClaim, OutcomeAct
from schemas.casework.cases import Payment
from schemas.casework.inputs import BankState, Checklist, VisitStage
from schemas.levels import Action, EvidenceClass, Outcome, Result
from schemas.people.residents import Flag, Resident
from simulators.assumptions import figures
from simulators.assumptions.chance import seconds, stream
from simulators.scams.story import Pay
from simulators.world import behaviour
from simulators.world.behaviour import Answer, Situation, Talk
from simulators.world.mules import Moved, money_onward
from simulators.world.truth import AccountStop, Contact, Fate, Life, Truth, still_there

_OPEN = (Fate.TO_COME, Fate.IN_FLIGHT)
_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class VisitReport:
    """A report of an officer. `after`: the delay since the task came; `outcome`, `checklist`: None before the end of
    the visit.
    """

    stage: VisitStage
    after: timedelta
    checklist: Checklist | None = None
    outcome: OutcomeAct | None = None


@dataclass(frozen=True, slots=True)
class BankAnswer:
    """A bank's feedback. `after`: the delay since the request; `amount_fen`: the money that it concerns; `until`: the
    end of the stop, None without a stop; `onward`: where the payment's money went.
    """

    state: BankState
    after: timedelta
    amount_fen: int = 0
    until: datetime | None = None
    onward: tuple[Moved, ...] = ()


def _sms(chance: Random, situation: Situation) -> Answer:
    return behaviour.sms(chance)


_ANSWERS: Partial[Action, Callable[[Random, Situation], Answer]] = Partial(
    {
        **dict.fromkeys((Action.SMS, Action.FLASH_SMS, Action.CONTACT_SMS, Action.REMINDER), _sms),
        Action.WEEK_CALL: behaviour.week_call,
        Action.WEEK_SMS: behaviour.week_sms,
    }
)
"""How a message or automated call is answered: any other action's as an automated call."""


class Contacts:
    """Reacts to each kind of contact, and records the contacts and their effects in the truth. The same dispatch gets
    the same reaction in the same situation of the resident; a repeated question records a further contact.
    """

    def __init__(self, seed: int, people: Iterable[Resident], truth: Truth, lock: RLock) -> None:
        self._seed, self._truth, self._lock = seed, truth, lock
        self._people = {resident.id: resident for resident in people}
        self._talks: Counter[str] = Counter()  # by case

    def answer(self, dispatch: str, action: Action, now: datetime) -> Answer:
        """Return the result and delay of a message or automated call, to the resident or a trusted contact. `dispatch`:
        the dispatch's id. The contact is recorded in the truth, and may dissuade the resident.
        """
        chance = stream(self._seed, "answer", dispatch)
        with self._lock:
            life, situation = self._meet(dispatch, now)
            answer = (_ANSWERS.get(action) or behaviour.robot_call)(chance, situation)
            if life and answer.result and behaviour.contact_dissuades(chance, action, answer.result, situation):
                life.persuade(now + answer.after, action)
            self._book(dispatch, now, action, answer.result or "no_receipt")
            return answer

    def situation(self, name: str, now: datetime) -> Situation:
        """Return the true situation of a resident at `now`, which the system does not know. `name`: the id of their
        case or of a dispatch.
        """
        with self._lock:
            return self._meet(name, now)[1]

    def talk(self, case: str, now: datetime) -> Talk:
        """Return how an operator's call to the resident of a case (its id) ends, and how long it takes. The call is
        recorded in the truth, and may dissuade the resident.
        """
        with self._lock:
            life, situation = self._meet(case, now)
            self._talks[case] += 1
            talk = behaviour.talk(stream(self._seed, "talk", case, self._talks[case]), situation)
            if life and talk.outcome is not Outcome.UNREACHABLE:
                life.talks += 1
                self._impress(life, talk, now + talk.lasted, Action.OPERATOR_CALL)
            self._book(case, now, Action.OPERATOR_CALL, talk.outcome)
            return talk

    def approval(self, case: str, step: str, number: int) -> timedelta:
        """Return how long person number `number` (from 1) takes to read and approve a stop order: the order of the step
        with the id `step` in the case with the id `case`. Equal arguments give the same time.
        """
        chance = stream(self._seed, "approval", case, step, number)
        return seconds(chance, figures.APPROVAL_SECONDS, figures.APPROVAL_SPREAD)

    def outcome(self, case: str, talk: Talk, now: datetime, payments: Sequence[Payment] | None = None) -> OutcomeAct:
        """Return an operator's or officer's report after a conversation: its outcome, the loss avoided that the
        resident names (class C, only if dissuaded), and the loss so far in fen. If money is lost, sets `loss_known` of
        the scam. `case`: the id of the case or of a dispatch.

        `payments`: the case's payments, to which claims for withdrawn payments are limited; None: all payments.
        """
        chance = stream(self._seed, "claims", case)
        with self._lock:
            life = self._life(case, now)
            if life is None or talk.outcome is Outcome.UNREACHABLE:
                return OutcomeAct(outcome=talk.outcome, note=talk.because)
            lost = self._truth.sum_of(life, now, Fate.SETTLED)
            life.loss_known = life.loss_known or lost > 0
            kept = self._claims(chance, life, now, payments) if talk.outcome is Outcome.DISSUADED else []
            return OutcomeAct(outcome=talk.outcome, kept=kept, lost_fen=lost, note=talk.because)

    def taken(self, dispatch: str, now: datetime) -> VisitReport | None:
        """Return the officer's answer to the task of a dispatch (its id), ACCEPTED or REFUSED, with its delay after
        `now`. None if the officer does not answer.

        Call `visit` only after ACCEPTED: its reports begin with the same answer, and their delays include the answer's.
        After REFUSED or None, this method records the contact, and nothing more happens.
        """
        first = next(iter(behaviour.visit(stream(self._seed, "visit", dispatch)).stages), None)
        if first is None or first.stage is VisitStage.REFUSED:
            self._book(dispatch, now, Action.VISIT, first.stage if first else "late")
        return VisitReport(first.stage, first.after) if first else None

    def visit(self, dispatch: str, now: datetime) -> list[VisitReport]:
        """Return all reports of the officer who gets the task of a dispatch (its id), in order of time, the answer
        first, with delays after `now`.

        Empty if the officer does not answer. Records the contact in the truth. A conversation at the door may dissuade
        the resident.
        """
        chance = stream(self._seed, "visit", dispatch)
        going = behaviour.visit(chance)
        reports = [VisitReport(stage.stage, stage.after) for stage in going.stages]
        if going.talks_after is None:
            self._book(dispatch, now, Action.VISIT, reports[-1].stage if reports else "late")
            return reports
        return [*reports, self._at_the_door(chance, dispatch, now, going.talks_after)]

    def _at_the_door(self, chance: Random, dispatch: str, now: datetime, after: timedelta) -> VisitReport:
        with self._lock:
            life, situation = self._meet(dispatch, now + after)
            talk = behaviour.at_the_door(chance, situation)
            if life:
                self._impress(life, talk, now + after, Action.VISIT)
            self._book(dispatch, now + after, Action.VISIT, talk.outcome)
            act = self.outcome(dispatch, talk, now + after)
            return VisitReport(VisitStage.DONE, after, behaviour.checklist(chance), act)

    def bank(self, dispatch: str, action: Action, account: str, transfer: str, now: datetime) -> list[BankAnswer]:
        """Return the bank's feedback to a stop, its extension or its release (`action`): at least one message, each
        with its delay after `now`. `dispatch`: the dispatch's id; `account`: the payee's account number; `transfer`:
        the uid of the payment to be stopped.

        Records the contact and its effect on the account in the truth.
        """
        chance = stream(self._seed, "bank", dispatch)
        after = behaviour.bank_delay(chance)
        with self._lock:
            answers = self._bank(chance, dispatch, action, account, transfer, now + after)
            self._book(dispatch, now, action, answers[0].state)
            return [replace(each, after=after + each.after) for each in answers]

    def _bank(
        self, chance: Random, dispatch: str, action: Action, account: str, transfer: str, at: datetime
    ) -> list[BankAnswer]:
        """Return the bank's feedback. Delays count from `at`, when the bank has checked the request."""
        if action is Action.STOP_RELEASE:
            self._release(account, at)
            return [BankAnswer(BankState.RELEASED, _NOTHING)]
        if behaviour.bank_refuses(chance):
            return [BankAnswer(BankState.REFUSED, _NOTHING)]
        life = self._life(dispatch, at)
        payment = next((each for each in life.story.payments if each.uid == transfer), None) if life else None
        if life is not None and payment is not None:
            return self._stop(life, payment, account, at)
        if life is not None and (answers := self._stop_behind(life, account, at)):
            return answers
        return [BankAnswer(BankState.IN_FORCE, _NOTHING, 0, at + figures.STOP_FOR)]  # an honest payment was stopped

    def _stop(self, life: Life, payment: Pay, account: str, at: datetime) -> list[BankAnswer]:
        fate = life.fate(payment, at, self._truth.stops)
        if fate in (*_OPEN, Fate.CAUGHT):
            life.caught.setdefault(payment.uid, at)
            return [BankAnswer(BankState.CANCELLED, _NOTHING, payment.amount_fen)]
        if fate is Fate.BLOCKED:
            return [BankAnswer(BankState.RETURNED, _NOTHING, payment.amount_fen)]
        since = self._stopped_since(payment, account, at)
        settled = fate is Fate.SETTLED
        there = life.frozen.setdefault(payment.uid, still_there(payment, since)) if settled else 0
        self._truth.stops.setdefault(account, []).append(AccountStop(at, at + figures.STOP_FOR))
        went = [
            self._went_on(payment, there, since, at + after) if settled else ()
            for after in (_NOTHING, figures.FROZEN_AFTER)
        ]
        in_force = BankAnswer(BankState.IN_FORCE, _NOTHING, there, at + figures.STOP_FOR, went[0])
        frozen = BankAnswer(BankState.FROZEN, figures.FROZEN_AFTER, there, onward=went[1])
        return [in_force, frozen] if there else [in_force]

    def _stop_behind(self, life: Life, account: str, at: datetime) -> list[BankAnswer]:
        """Stop an account that money of the victim's payments reached from a mule's account, so that the money there
        stays. Return the feedback; [] if no money of these payments has reached the account.
        """
        moved: list[Moved] = []
        for payment, fate in self._truth.fates(life, at):
            if fate is Fate.SETTLED:
                since = self._stopped_since(payment, payment.payee, at)
                there = life.frozen.get(payment.uid, still_there(payment, since))
                moved += self._went_on(payment, there, since, at)
        came = sum(each.amount_fen for each in moved if each.payee == account)
        if not came:
            return []
        self._truth.stops.setdefault(account, []).append(AccountStop(at, at + figures.STOP_FOR))
        gone = tuple(each for each in moved if each.payer == account)
        there = came - sum(each.amount_fen for each in gone)
        in_force = BankAnswer(BankState.IN_FORCE, _NOTHING, there, at + figures.STOP_FOR, gone)
        return [in_force, BankAnswer(BankState.FROZEN, figures.FROZEN_AFTER, there)] if there else [in_force]

    def _went_on(self, payment: Pay, there: int, stopped: datetime, known: datetime) -> tuple[Moved, ...]:
        """Return where a payment's money went, without the movements that stops of later accounts prevented."""
        moved = money_onward(self._seed, payment, there, stopped, known)
        return tuple(each for each in moved if each.payer == payment.payee or not self._held_back(each))

    def _held_back(self, moved: Moved) -> bool:
        """Return True if a movement was prevented because its payer was stopped. A movement at the moment of a stop
        takes place.
        """
        return any(stop.since < moved.at < stop.until for stop in self._truth.stops.get(moved.payer, ()))

    def _stopped_since(self, payment: Pay, account: str, at: datetime) -> datetime:
        """Return since when no money of a payment leaves the payee's account, which is stopped at `at` if it was not
        before.
        """
        earlier = [stop.since for stop in self._truth.stops.get(account, ()) if stop.covers(at)]
        return max(min([at, *earlier]), payment.settles)

    def _release(self, account: str, at: datetime) -> None:
        stops = self._truth.stops.get(account, [])
        self._truth.stops[account] = [AccountStop(stop.since, min(stop.until, at)) for stop in stops]

    def _claims(
        self, chance: Random, life: Life, now: datetime, payments: Sequence[Payment] | None
    ) -> list[LossAvoidedClaim]:
        """Return claims of loss avoided for payments withdrawn in flight, and usually for the payment that would have
        come next.
        """
        fates = list(self._truth.fates(life, now))
        known = {payment.transfer for payment in payments or ()}
        named = [pay for pay, fate in fates if fate is Fate.WITHDRAWN and (payments is None or pay.uid in known)]
        unmade = [pay for pay, fate in fates if fate is Fate.NOT_MADE]
        if unmade and chance.random() < figures.NAMES_TRANSFER:
            named.append(unmade[0])
        return [
            LossAvoidedClaim(transfer=pay.uid, evidence=EvidenceClass.C, amount_fen=pay.amount_fen) for pay in named
        ]

    def _impress(self, life: Life, talk: Talk, at: datetime, by: Action) -> None:
        if talk.outcome is Outcome.DISSUADED:
            life.persuade(at, by)

    def _life(self, name: str, now: datetime) -> Life | None:
        life = self._truth.lives.get(resident_of(name))
        return life if life and life.story.begins <= now else None

    def _meet(self, name: str, now: datetime) -> tuple[Life | None, Situation]:
        """Return the life (None without a scam) and the situation of a case's or dispatch's resident."""
        who = self._people.get(resident_of(name))
        objects = bool(who and Flag.OBJECTS_TO_CALLS in who.flags)
        life = self._life(name, now)
        if life is None:
            return None, Situation(objects=objects)
        fates = [fate for _, fate in self._truth.fates(life, now)]
        return life, Situation(
            scam_type=life.story.scam_type,
            payments_made=fates.count(Fate.SETTLED),
            payments_to_come=sum(fate in _OPEN for fate in fates),
            persuaded=life.persuaded(now),
            on_the_line=life.on_the_line(now) is not None,
            talks=life.talks,
            objects=objects,
            asked=bool(fates),
            paid_since=life.paid_since_persuaded(now, self._truth.stops),
            contacted_again=life.persuaded_at is not None and not life.persuaded(now),
        )

    def _book(self, name: str, at: datetime, action: Action, result: str | Result) -> None:
        with self._lock:
            self._truth.contacts.append(Contact(resident_of(name), at, action, str(result), name))
