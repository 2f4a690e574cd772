"""The data that a page of the release desk shows of one payment: its orders, the bank's messages, the account, the
resident.
"""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Form, Request

from console.web.auth.who import NotFoundError, Who
from console.web.case.answers import Answer, Answered
from console.web.case.view import person_of
from console.web.kit.i18n import translate
from console.web.kit.services import Services
from console.web.kit.wording import say
from console.web.payments import stops
from console.web.payments.case_money import payers_bank
from domain.identity import masking
from domain.payments.accounts import find
from domain.payments.reconciliation import Line, reconcile
from schemas.base import legible
from schemas.casework.cases import Case, Payment
from schemas.channels.bank_messages import bank_of
from schemas.channels.releases import LEAST_REASON, MOST_REASON

FormId = Annotated[str, Form(min_length=1, max_length=64)]
"""The id that a page gave its form: sent twice, a form counts once."""
WAITS = "已提交，等待系统确认"
REASON_LENGTH = "理由须为 2 至 300 字。"


def typed_reason(text: str, most: int = MOST_REASON) -> str | None:
    """Remove invisible characters and outer spaces from a typed reason, as an act does, and return what remains. Return
    None if that is shorter than LEAST_REASON (2) or longer than `most` characters.
    """
    reason = legible(text).strip()
    return reason if LEAST_REASON <= len(reason) <= most else None


def not_done(request: Request, answer: Answer) -> tuple[str, int]:
    """Return the text and the status for an act that was not carried out: why it was refused (409), or that the case
    has not answered yet (202).
    """
    words = say(request, answer.why) if answer.why else translate(request, WAITS)
    return words, 409 if answer.how is Answered.REFUSED else 202


async def messages(made: Services, who: Who, case: Case, payment: Payment) -> dict[str, Any]:
    """Return the template variables of one payment: the payment, its masked account, resident and stop orders, and the
    messages to and from the bank. `bank`: the payer's bank, which a resident may have named: mask it where it is shown.
    Errors of Redis pass through.
    """
    sent, came = made.figures.book.of(case.id, payment.transfer)
    accounts = await masked_accounts(made, [payment.payee])
    told = {each.dispatch: made.figures.book.told.get(each.dispatch, []) for each in sent}
    person = await person_of(made, who, case, made.line.clock.now())
    account = accounts.get(payment.payee, "")
    orders = [order for order in case.orders if order.transfer == payment.transfer]
    bank = payers_bank(payment)
    shown = {"payment": payment, "account": account, "bank": bank, "person": person, "orders": orders}
    return {**shown, "sent": sent, "came": came, "told": told}


async def masked_accounts(made: Services, payees: Iterable[str]) -> dict[str, str]:
    """Return the masked account numbers of payees by token. Unknown payees are left out. Errors of Redis pass
    through.
    """
    return {payee: masking.account(number) for payee, number in (await stops.accounts(made, payees)).items()}


def payers_banks(made: Services, transfers: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return the payers' banks (names or codes) of payments, by (case id, transfer): of an open case by the feed, or as
    the resident named the bank ("" if not), or for a traced account as a bank stated; of a closed case, the source of
    the transfer's signal.
    """
    return {(case, transfer): _payers_bank(made, case, transfer) for case, transfer in transfers}


def _payers_bank(made: Services, case: str, transfer: str) -> str:
    row = made.hub.rows.get(case)
    found = find(row.case, transfer) if row else None
    return payers_bank(found) if found else bank_of(transfer)


async def bank_day(made: Services, who: Who, bank: str, day: str) -> tuple[list[Line], dict[str, str]]:
    """Return the reconciliation lines of a bank's day, and the masked account numbers by payee token. `day`:
    YYYY-MM-DD, China's. Raises NotFoundError if the person's area has no line of that day. Errors of Redis pass
    through.
    """
    book = made.figures.book
    if (bank, day) not in book.days(who.sees):
        raise NotFoundError
    lines = reconcile(book, bank, day, who.sees)
    return lines, await masked_accounts(made, (line.sent.payee for line in lines if line.sent))
