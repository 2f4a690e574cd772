"""A month of an operators' desk in the calibrated province: shifts, calls that nobody answers and that are tried again,
residents who hang up, officers, and banks with desks and hours. Only the order of the queue differs between runs.

The alerts, the plan's times and the conditions of its steps are the product's, and so are the cases that an order sees.
Each step's course is simplified: no campaigns, no trusted contacts, no follow-up calls, and a stop reaches the payee's
account only.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import count
from random import Random

from domain.policy import Policy
from domain.policy.plan import StepRule
from domain.policy.schedule import allowed, conditions, earliest, steps_for
from schemas.casework.cases import CaseState, Payment, Step, StepState
from schemas.casework.inputs import Alert
from schemas.levels import Action, Level, Outcome, Result
from simulators.assumptions import figures
from simulators.assumptions.chance import seconds, stream
from simulators.assumptions.stolen_money import StolenMoney
from simulators.lab.agenda import LAST, Agenda
from simulators.lab.desk import Dispatcher
from simulators.scams.story import Pay
from simulators.studies.desk_arrivals import RaisedPerson
from simulators.studies.desk_cases import UTC_OFFSET, DeskStaff, Job, MonthFigures, ended_steps, new_job
from simulators.world import behaviour
from simulators.world.province import START
from simulators.world.truth import Fate, Life

WARM_UP = timedelta(days=10)  # scams that begin then, and are still going on, are at the desk on the month's first day
LATER_OFFER = timedelta(minutes=5)  # before another officer is asked; assumed
HANGS_UP = 0.5  # share of the calls not taken that are put down at once (Practice: half of those who refuse)
_DAY = range(8, 20)
_MONEY = StolenMoney()
_MESSAGES = (Action.SMS, Action.FLASH_SMS)


class DeskMonth:
    """One run. `came`: the people about whom alerts come; `order`: puts the waiting cases into the order in which
    operators take them; `days`: of the month after the warm-up. `jobs`: the cases by resident id.
    """

    def __init__(
        self, seed: int, came: Sequence[RaisedPerson], policy: Policy, order: Dispatcher, staff: DeskStaff, days: int
    ) -> None:
        self._seed, self._policy, self._order, self._staff = seed, policy, order, staff
        self._agenda = Agenda(START)
        self._begins, self._end = START + WARM_UP, START + WARM_UP + timedelta(days=days)
        self.jobs = {each.who.id: new_job(each) for each in came}
        self._waiting: dict[str, Job] = {}
        self._visits: list[tuple[int, datetime, int, Job]] = []
        self._numbers = count()
        self._busy, self._out, self._looks = 0, 0, False
        self._counts: Counter[str] = Counter()
        self._talked = timedelta(0)
        for each in came:
            for alert in each.alerts:
                self._agenda.at(alert.at, partial(self._alert, self.jobs[each.who.id], alert))
        for day in range((self._end - START).days + 1):
            midnight = START.replace(hour=0, minute=0) + timedelta(days=day)
            for hour in (*staff.day, 7):  # of shifts, and of the end of the quiet hours
                self._agenda.at(midnight + timedelta(hours=hour) - UTC_OFFSET, self._look_soon)

    def run(self) -> MonthFigures:
        """Simulate warm-up and month, and return the month's figures. Call it once."""
        self._agenda.run_until(self._end)
        lives = [job.life for job in self.jobs.values() if job.life]
        lost = [(life, self._lost(life)) for life in lives]
        planned = [sum(pay.amount_fen for pay in self._due(life)) for life in lives]
        hours = range(int((self._end - START) / timedelta(hours=1)))
        on_duty = sum(self._staff.operators(START + timedelta(hours=hour)) for hour in hours)
        return MonthFigures(
            would_pay=sum(fen > 0 for fen in planned),
            defrauded=sum(fen > 0 for _, fen in lost),
            would_lose_fen=sum(planned),
            lost_fen=sum(fen for _, fen in lost),
            by_operators_fen=sum(self._kept_by_operators(life) for life in lives),
            calls=self._counts["calls"],
            busy=self._talked / timedelta(hours=max(1, on_duty)),
            not_taken=self._counts["not taken"],
        )

    def _due(self, life: Life) -> list[Pay]:
        return [pay for pay in life.story.payments if self._begins < pay.settles <= self._end]

    def _lost(self, life: Life) -> int:
        settled = [pay for pay in self._due(life) if life.fate(pay, self._end, {}) is Fate.SETTLED]
        return sum(pay.amount_fen - life.frozen.get(pay.uid, 0) for pay in settled)

    def _kept_by_operators(self, life: Life) -> int:
        if life.persuaded_by is not Action.OPERATOR_CALL:
            return 0
        kept = (Fate.NOT_MADE, Fate.WITHDRAWN)
        return sum(pay.amount_fen for pay in self._due(life) if life.fate(pay, self._end, {}) in kept)

    # ------------------------------------------------------------------------------------------------ alerts and plan

    def _alert(self, job: Job, alert: Alert) -> None:
        now = self._agenda.now
        if job.life is not None and job.life.persuaded(now):
            return  # what the victim then no longer does leaves no signal
        if job.case.settled and alert.danger.level.rank < Level.ORANGE.rank:
            return
        level = max(job.case.level, alert.danger.level, key=lambda each: each.rank)
        known = {payment.transfer: payment for payment in (*job.case.payments, *alert.payments)}
        state = CaseState.RAISED if job.case.settled else job.case.state
        more = {"danger": alert.danger, "level": level, "payments": list(known.values()), "state": state}
        job.case = job.case.model_copy(update=more)
        if job.level is not level:
            job.level = level
            self._plan(job, level)
        if level.rank >= Level.ORANGE.rank:
            self._ask_stops(job, known.values())
        if job.case.id in self._waiting:
            self._look_soon()

    def _plan(self, job: Job, level: Level) -> None:
        now, plan = self._agenda.now, self._policy.plan
        job.visit_due = None
        for name, rule in steps_for(plan.levels[level], conditions(job.case.profile, money_at_risk=False)):
            due = earliest(now + rule.after, job.case, plan, rule)
            if rule.action is Action.VISIT:
                job.visit_due = due
            self._agenda.at(due, partial(self._step, job, level, name, rule, 1))

    def _step(self, job: Job, level: Level, name: str, rule: StepRule, attempt: int) -> None:
        if job.case.settled or job.level is not level:
            return
        if rule.action in _MESSAGES:
            self._message(job, name, rule)
        elif rule.action is Action.ROBOT_CALL:
            self._automated_call(job, level, name, rule, attempt)
        elif rule.action is Action.OPERATOR_CALL:
            self._offer(job, rule)
        elif rule.action is Action.VISIT:
            self._want_visit(job)

    def _message(self, job: Job, name: str, rule: StepRule) -> None:
        chance = self._chance("sms", job, name)
        self._contact(job, chance, rule.action, behaviour.sms(chance))

    def _automated_call(self, job: Job, level: Level, name: str, rule: StepRule, attempt: int) -> None:
        chance, now = self._chance("robot", job, name, attempt), self._agenda.now
        answer = behaviour.robot_call(chance, job.situation(now))
        self._contact(job, chance, rule.action, answer)
        operator = self._policy.plan.levels[level].steps.get("operator")
        if answer.result is Result.ACKNOWLEDGED:
            if self._policy.plan.levels[level].acknowledged == "dissuaded":
                self._settle(job, CaseState.DISSUADED)
        elif answer.result is Result.WANTS_OPERATOR:
            self._offer(job, operator or self._policy.plan.asked["operator"])
        elif answer.result in (Result.HUNG_UP, Result.REFUSED):
            if operator is not None:
                self._offer(job, operator)
        elif attempt < rule.attempts:
            due = earliest(now + rule.again, job.case, self._policy.plan, rule)
            self._agenda.at(due, partial(self._step, job, level, name, rule, attempt + 1))

    def _contact(self, job: Job, chance: Random, action: Action, answer: behaviour.Answer) -> None:
        now = self._agenda.now
        result, situation = answer.result, job.situation(now)
        if job.life and result and behaviour.contact_dissuades(chance, action, result, situation):
            job.life.persuade(now + answer.after, action)

    # --------------------------------------------------------------------------------------------------- the desk

    def _offer(self, job: Job, rule: StepRule) -> None:
        """Put a call on the desk, unless one is there. The plan takes it off after its last attempt's time."""
        if job.case.id in self._waiting:
            return
        now = self._agenda.now
        visit = Step(id="x.visit", action=Action.VISIT, state=StepState.PENDING, due=job.visit_due, results=job.visits)
        call = Step(
            id="x.operator", action=Action.OPERATOR_CALL, state=StepState.SENT, due=None, results=list(job.results)
        )
        steps = [call, visit] if job.visit_due else [call]
        job.case = job.case.model_copy(update={"offered_at": now, "steps": steps})
        self._waiting[job.case.id] = job
        self._agenda.at(now + rule.again * rule.attempts, partial(self._withdraw, job, now))
        self._look_soon()

    def _withdraw(self, job: Job, offered: datetime) -> None:
        if job.case.offered_at == offered and job.case.id in self._waiting:
            del self._waiting[job.case.id]
            self._counts["not taken"] += not job.results
            self._want_visit(job)

    def _look_soon(self) -> None:
        if not self._looks:
            self._looks = True
            self._agenda.at(self._agenda.now, self._look, LAST)

    def _look(self) -> None:
        self._looks, now = False, self._agenda.now
        free = self._staff.operators(now) - self._busy
        if free <= 0 or not self._waiting:
            return
        offered = [job.case for job in self._waiting.values() if job.not_before <= now and self._may_call(job, now)]
        for case in self._order(offered, now)[:free] if offered else ():
            self._call(self._waiting.pop(case.id))

    def _may_call(self, job: Job, now: datetime) -> bool:
        plan = self._policy.plan
        return allowed(now, plan, plan.levels[job.case.level], Action.OPERATOR_CALL) <= now

    def _call(self, job: Job) -> None:
        now, job.talks = self._agenda.now, job.talks + 1
        talk = behaviour.talk(self._chance("talk", job, job.talks), job.situation(now))
        self._busy += 1
        self._counts["calls"] += 1
        self._talked += talk.lasted
        if job.life and talk.outcome is not Outcome.UNREACHABLE:
            job.life.talks += 1
            if talk.outcome is Outcome.DISSUADED:
                job.life.persuade(now + talk.lasted, Action.OPERATOR_CALL)
        self._agenda.at(now + talk.lasted, partial(self._called, job, talk.outcome, talk.because))

    def _called(self, job: Job, outcome: Outcome, because: str) -> None:
        self._busy -= 1
        self._look_soon()
        if outcome is Outcome.UNREACHABLE:
            self._not_reached(job, because)
            return
        job.results.append(Result.ACKNOWLEDGED if outcome is Outcome.DISSUADED else Result.DELIVERED)
        self._conclude(job, outcome)
        if outcome is Outcome.NOT_PERSUADED and job.case.level.rank >= Level.ORANGE.rank:
            self._want_visit(job)

    def _not_reached(self, job: Job, because: str) -> None:
        put_down = because != "busy" and self._chance("put down", job, job.talks).random() < HANGS_UP
        job.results.append(Result.BUSY if because == "busy" else Result.REFUSED if put_down else Result.NO_ANSWER)
        rule = self._policy.plan.levels[job.case.level].steps.get("operator") or self._policy.plan.asked["operator"]
        if job.case.settled:
            return
        if len(job.results) >= rule.attempts:
            self._want_visit(job)
            return
        job.not_before = self._agenda.now + (self._policy.plan.soon if because == "busy" else rule.again)
        self._agenda.at(job.not_before, partial(self._offer, job, rule))

    def _conclude(self, job: Job, outcome: Outcome) -> None:
        if outcome in (Outcome.DISSUADED, Outcome.FALSE_ALARM):
            self._settle(job, CaseState(outcome.value))
        elif outcome is Outcome.ALREADY_DEFRAUDED:
            self._ask_stops(job, job.case.payments)
            self._settle(job, CaseState.CLOSED)

    def _settle(self, job: Job, state: CaseState) -> None:
        self._waiting.pop(job.case.id, None)
        job.case = job.case.model_copy(update={"state": state, "steps": ended_steps(job)})
        job.level = None  # a later alert begins a new plan

    # ------------------------------------------------------------------------------------------ officers and banks

    def _want_visit(self, job: Job) -> None:
        if job.case.settled or job.visiting:
            return
        job.visiting = True
        heappush(self._visits, (-job.case.level.rank, self._agenda.now, next(self._numbers), job))
        self._send()

    def _send(self) -> None:
        while self._visits and self._out < self._staff.officers:
            job = heappop(self._visits)[-1]
            if job.case.settled:
                job.visiting = False
                continue
            self._visit(job)

    def _visit(self, job: Job) -> None:
        chance, now = self._chance("visit", job, len(job.visits)), self._agenda.now
        going = behaviour.visit(chance)
        if len(going.stages) < 2:  # refused or late: the next one
            chance = self._chance("visit of another", job, len(job.visits))
            going = behaviour.visit(chance)
        job.visits.append(Result.NO_ANSWER)
        takes = going.talks_after or (going.stages[-1].after if going.stages else LATER_OFFER)
        self._out += 1
        travel = timedelta(minutes=figures.TRAVEL_MINUTES) * (1 - self._staff.way)
        met = going.talks_after is not None
        self._agenda.at(now + max(LATER_OFFER, takes - travel), partial(self._visited, job, chance, met))

    def _visited(self, job: Job, chance: Random, met: bool) -> None:
        now = self._agenda.now
        self._out -= 1
        job.visiting = False
        if met and not job.case.settled:
            talk = behaviour.at_the_door(chance, job.situation(now))
            if talk.outcome is Outcome.DISSUADED:
                job.visits[-1] = Result.ACKNOWLEDGED
                if job.life:
                    job.life.persuade(now, Action.VISIT)
            self._conclude(job, talk.outcome)
        self._send()

    def _ask_stops(self, job: Job, payments: Iterable[Payment]) -> None:
        for payment in payments:
            if job.life is None or payment.transfer in job.asked_stops:
                continue
            job.asked_stops.add(payment.transfer)
            chance = self._chance("stop", job, payment.transfer)
            now = self._agenda.now
            ready = now + timedelta(minutes=2) + seconds(chance, _MONEY.approval_seconds, _MONEY.approval_spread)
            ready = max(now, ready - self._staff.sooner)
            if chance.random() < _MONEY.by_machine:
                takes = seconds(chance, _MONEY.machine_seconds, _MONEY.machine_spread)
            else:
                by_day = (ready + UTC_OFFSET).hour in _DAY
                minutes = _MONEY.desk_minutes if by_day else _MONEY.night_minutes
                takes = seconds(chance, 60 * minutes, _MONEY.desk_spread)
            if chance.random() >= _MONEY.refuses:
                self._agenda.at(ready + takes, partial(self._stopped, job.life, payment.transfer, chance))

    def _stopped(self, life: Life, transfer: str, chance: Random) -> None:
        """Let the bank stop a payment: cancelled while in flight, else what is left in the first account is frozen."""
        now = self._agenda.now
        pay = next((each for each in life.story.payments if each.uid == transfer), None)
        if pay is None:
            return
        emptied = chance.uniform(*_MONEY.emptied)
        soon, late = _seconds(chance, _MONEY.stays), _seconds(chance, _MONEY.rest_stays)
        fate = life.fate(pay, now, {})
        if fate is Fate.IN_FLIGHT:
            life.caught.setdefault(pay.uid, now)
        elif fate is Fate.SETTLED:
            since = (now - pay.settles).total_seconds()
            left = 1.0 if since < soon else 1 - emptied if since < late else 0.0
            life.frozen[pay.uid] = int(pay.amount_fen * left)

    def _chance(self, *names: object) -> Random:
        return stream(self._seed, *(name.case.id if isinstance(name, Job) else name for name in names))


def _seconds(chance: Random, span: tuple[timedelta, timedelta]) -> float:
    return chance.uniform(*(each.total_seconds() for each in span))
