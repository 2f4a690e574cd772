"""Writes a stop order as a cancellation request for fraud: camt.056, reason FRAD.

The message depends only on the order: sent again, it has the same ids and bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.identity.identifiers import BEIJING
from domain.payments.institutions import Institution
from domain.payments.iso_codes import decimal_yuan, named_id, reference
from streams.iso20022.writing import CENTRE, LONGEST_NAME, Field, valid_message


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A stop order to be written as a message. `dispatch`: the id of its dispatch; `at`: when the order was decided;
    `paid`: when the payment was made; `end_to_end`: the payment's end-to-end id, "" if unknown; `payer`: the payer's
    name; `account`, `holder`: the payee's account number and its holder's name ("" if unknown).
    """

    dispatch: str
    at: datetime
    end_to_end: str
    amount_fen: int
    paid: datetime
    payer: str
    account: str
    holder: str


def request(order: Cancellation, to: Institution) -> bytes | None:
    """Return the camt.056 (XML, UTF-8) of a stop order, in the version that the institution `to` accepts. Nothing is
    sent.

    Returns None if the institution accepts no camt.056, or if the order does not fit the message's fields: a person may
    have typed characters that XML does not allow.
    """
    case = reference(order.dispatch)
    if to.cancellation is None or case is None:
        return None
    fields = [*_assignment(order, case, to), *_transaction(order, case)]
    return valid_message(to.cancellation, "FIToFIPmtCxlReq", fields, "OrgnlIntrBkSttlmAmt")


def _assignment(order: Cancellation, case: str, to: Institution) -> Sequence[Field]:
    assignee = "Assgnmt/Assgne/Agt/FinInstnId"
    return [
        ("Assgnmt/Id", case),
        ("Assgnmt/Assgnr/Pty/Nm", CENTRE),
        (f"{assignee}/BICFI", to.bic),
        (f"{assignee}/Nm", None if to.bic else to.name),
        ("Assgnmt/CreDtTm", order.at.astimezone(BEIJING).isoformat(timespec="seconds")),
        ("Case/Id", case),
        ("Case/Cretr/Pty/Nm", CENTRE),
    ]


def _transaction(order: Cancellation, case: str) -> Sequence[Field]:
    one = "Undrlyg/TxInf"
    original = f"{one}/OrgnlTxRef"
    return [
        (f"{one}/CxlId", case),
        (f"{one}/OrgnlEndToEndId", named_id(order.end_to_end) or None),
        (f"{one}/OrgnlIntrBkSttlmAmt", decimal_yuan(order.amount_fen)),
        (f"{one}/OrgnlIntrBkSttlmDt", order.paid.astimezone(BEIJING).date().isoformat()),
        (f"{one}/CxlRsnInf/Orgtr/Nm", CENTRE),
        (f"{one}/CxlRsnInf/Rsn/Cd", "FRAD"),
        (f"{original}/Dbtr/Pty/Nm", order.payer[:LONGEST_NAME]),
        (f"{original}/Cdtr/Pty/Nm", order.holder[:LONGEST_NAME] or None),
        (f"{original}/CdtrAcct/Id/Othr/Id", order.account),
    ]
