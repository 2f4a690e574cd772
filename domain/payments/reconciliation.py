"""The daily reconciliation with a bank: our requests, the bank's answers, and the differences between them."""

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from domain.calendar import day_of
from domain.csv_cells import guarded
from domain.payments.bank_book import BankBook, Sent
from schemas.casework.inputs import BankState
from schemas.channels.bank_messages import BankMessage
from schemas.levels import NEVER_SENT, Action, Result

COLUMNS = (
    *("kind", "bank", "day", "case", "transfer", "account", "action", "asked_at", "asked_fen", "sent"),
    *("answered_at", "answers", "answered_fen", "differences"),
)
_MONEY = (BankState.FROZEN, BankState.RETURNED, BankState.CANCELLED)


class Difference(StrEnum):
    """The kinds of differences between our requests and a bank's answers.

    NO_ANSWER: a request was sent and not answered; NOT_ASKED: an answer has no request; AMOUNT: the bank reports
    another amount than the payment's.
    """

    NO_ANSWER = "asked_without_answer"
    NOT_ASKED = "answered_without_ask"
    AMOUNT = "amounts_differ"


@dataclass(frozen=True, slots=True)
class Line:
    """A request with the bank's answers to it, the earliest first; or an answer to no known request (`sent` is then
    None).

    `how`: the results of sending, separated by commas; "" if none is known.
    """

    sent: Sent | None
    how: str  # the results of sending, separated by commas
    answers: tuple[BankMessage, ...]
    differences: tuple[Difference, ...]

    @property
    def answered_fen(self) -> int:
        """The amount (fen) in the bank's latest message about money, or else in its latest message; 0
        without answers.
        """
        told = [each for each in self.answers if each.state in _MONEY] or list(self.answers)
        return told[-1].amount_fen if told else 0


def reconcile(book: BankBook, bank: str, day: str, sees: Callable[[str], bool]) -> list[Line]:
    """Return the requests to a bank on a day, and earlier requests that it answered on that day, both by time of
    sending; then its answers of that day without a request. Status requests are left out.

    Later answers to these requests are included, so a day's file is final once its last stop is answered. `bank`: the
    source name of the payer's bank. `day`: in Jilin (YYYY-MM-DD). `sees`: returns True if the reader may see a
    division's residents; other lines are left out.
    """
    answers: dict[str, list[BankMessage]] = {}
    for message in sorted(book.came.values(), key=lambda each: (each.at, each.id)):
        if message.bank == bank and book.sees(sees, message):
            answers.setdefault(message.dispatch, []).append(message)
    lines = []
    for sent in sorted(book.sent.values(), key=lambda each: (each.at, each.dispatch)):
        if sent.bank != bank or sent.action is Action.STOP_STATUS or not sees(sent.division):
            continue
        mine = [each for each in answers.get(sent.dispatch, ()) if each.transfer == sent.transfer]
        if sent.day == day or any(day_of(each.at) == day for each in mine):
            lines.append(_line(book, sent, mine))
    return lines + _not_asked(book, answers, day)


def totals(lines: Iterable[Line]) -> dict[str, int]:
    """Return counts and sums (fen) over the lines of a file, by name.

    `asked`, `answered`: numbers of requests, and of lines with an answer. `asked_fen` (without releases),
    `answered_fen`: sums of the amounts. By kind of difference: the number of lines that have it.
    """
    told = list(lines)
    asked = [line.sent for line in told if line.sent]
    return {
        "asked": len(asked),
        "asked_fen": sum(sent.amount_fen for sent in asked if sent.action is not Action.STOP_RELEASE),
        "answered": sum(bool(line.answers) for line in told),
        "answered_fen": sum(line.answered_fen for line in told),
        **{kind.value: sum(kind in line.differences for line in told) for kind in Difference},
    }


def as_csv(bank: str, day: str, lines: Sequence[Line], accounts: Mapping[str, str]) -> tuple[str, str]:
    """Return (CSV text, its SHA-256 in hex) of the lines of a bank and a day, as `reconcile` returns them, with their
    totals. The digest covers all rows but the last one, which contains the digest.

    `accounts`: masked account numbers by payee token.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for line in lines:
        writer.writerow([_safe(cell) for cell in ("stop", bank, day, *_cells(line, accounts))])
    for name, value in totals(lines).items():
        writer.writerow(["total", bank, day, name, value])
    digest = hashlib.sha256(out.getvalue().encode()).hexdigest()
    writer.writerow(["sha256", bank, day, digest])
    return out.getvalue(), digest


def _line(book: BankBook, sent: Sent, answers: list[BankMessage]) -> Line:
    told = book.told.get(sent.dispatch, [])
    never = any(each.result in NEVER_SENT for each in told) and not any(each.result is Result.SENT for each in told)
    found = [] if answers or never else [Difference.NO_ANSWER]
    if any(_differs(sent, each) for each in answers):
        found.append(Difference.AMOUNT)
    return Line(sent, ",".join(each.result.value for each in told), tuple(answers), tuple(found))


def _differs(sent: Sent, answer: BankMessage) -> bool:
    """Return True if a bank's answer reports another amount than the request's. A cancellation without an amount means
    the whole amount.
    """
    if answer.state is BankState.CANCELLED and answer.amount_fen == 0:
        return False
    return answer.state in _MONEY and answer.amount_fen != sent.amount_fen


def _not_asked(book: BankBook, answers: Mapping[str, list[BankMessage]], day: str) -> list[Line]:
    lines = []
    for dispatch, messages in answers.items():
        sent = book.sent.get(dispatch)
        strange = [each for each in messages if sent is None or each.transfer != sent.transfer]
        lines += [Line(None, "", (each,), (Difference.NOT_ASKED,)) for each in strange if day_of(each.at) == day]
    return lines


def _cells(line: Line, accounts: Mapping[str, str]) -> list[object]:
    sent, answers = line.sent, line.answers
    case, transfer = (sent.case, sent.transfer) if sent else (answers[0].case, answers[0].transfer)
    asked = (accounts.get(sent.payee, ""), sent.action.value, _time(sent.at), sent.amount_fen) if sent else ("",) * 4
    said = " ".join(each.state.value for each in answers)
    answered = (_time(answers[-1].at) if answers else "", said, line.answered_fen if answers else "")
    return [case, transfer, *asked, line.how, *answered, " ".join(line.differences)]


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _safe(cell: object) -> object:
    """Return the cell in a form that a spreadsheet cannot interpret as a formula; numbers are unchanged."""
    return guarded(cell) if isinstance(cell, str) else cell
