"""The oracle: a province in which somebody always knows the accounts that hold reported money, and asks their banks at
once, without approvals.

Banks take as long and refuse as often as in `run`. So no method that learns from the banks' answers where the money
went can hold more.
"""

from datetime import timedelta
from functools import partial

from schemas.casework.inputs import BankState
from schemas.casework.movements import MovedAccount
from simulators.assumptions.stolen_money import StolenMoney
from simulators.lab.agenda import Agenda
from simulators.pursuit.banks import Banks
from simulators.pursuit.money import MoneyTruth
from simulators.pursuit.reports import ReportKind, TheftReport, gangs, reports
from simulators.pursuit.run import LASTS, ReportOutcome
from simulators.world.province import START


class Oracle:
    """A province with an oracle, for `days` days of thefts. `run` may be called once."""

    def __init__(self, seed: int, assumed: StolenMoney, days: int) -> None:
        self._agenda = Agenda(START)
        self._money = MoneyTruth(seed, assumed, self._agenda, self._arrives)
        self._banks = Banks(seed, assumed, self._money)
        told = [each for each in reports(seed, assumed, START, days) if each.kind is ReportKind.TRUE]
        self._gangs = gangs(seed, assumed, told)
        self._reports = {each.name: each for each in told}
        self._there: dict[str, int] = {}  # fen in accounts when the form was complete, by report
        self._first: dict[str, timedelta] = {}
        self._asked: set[tuple[str, MovedAccount]] = set()
        self._end = START + timedelta(days=days) + LASTS

    def run(self) -> list[ReportOutcome]:
        """Simulate the complete time, and return the outcome of each true report, in the order of `reports` with the
        same arguments. Call it once.
        """
        for report in self._reports.values():
            self._agenda.at(report.paid_at, partial(self._steal, report))
            self._agenda.at(report.written_at, partial(self._written, report))
        self._agenda.run_until(self._end)
        return [self._outcome(report) for report in self._reports.values()]

    def _steal(self, report: TheftReport) -> None:
        self._money.steal(report.name, self._gangs[report.name], report.amount_fen)

    def _written(self, report: TheftReport) -> None:
        self._there[report.name] = self._money.in_accounts(report.name)
        for account in self._money.places(report.name):
            self._ask(report, account)

    def _arrives(self, theft: str, account: MovedAccount) -> None:
        if theft in self._there:
            self._ask(self._reports[theft], account)

    def _ask(self, report: TheftReport, account: MovedAccount) -> None:
        if (report.name, account) not in self._asked:
            self._asked.add((report.name, account))
            order = f"{report.name}-{account.token}"
            after = self._banks.delay(account.bank, order, self._agenda.now)
            self._agenda.at(self._agenda.now + after, partial(self._decide, report, account, order))

    def _decide(self, report: TheftReport, account: MovedAccount, order: str) -> None:
        answer, *_ = self._banks.decide(account, order, report.amount_fen, report.paid_at)
        if answer.state is not BankState.REFUSED:
            self._first.setdefault(report.name, self._agenda.now - report.told_at)

    def _outcome(self, report: TheftReport) -> ReportOutcome:
        asked = sum(name == report.name for name, _ in self._asked)
        held = self._money.held(report.name)
        first = self._first.get(report.name)
        return ReportOutcome(report.kind, report.amount_fen, self._there.get(report.name, 0), held, first, asked, False)
