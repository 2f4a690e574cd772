"""Writes the question what became of a stop order that a bank has not answered: pacs.028, about our camt.056.

The message depends only on the question: sent again, it has the same ids and bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.identity.identifiers import BEIJING
from domain.ids import short_hash
from domain.payments.institutions import Institution
from domain.payments.iso_codes import decimal_yuan, named_id, reference
from streams.iso20022.writing import CENTRE, LONGEST_NAME, Field, valid_message


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """A question about a stop order, to be written as a message. `dispatch`: its own id; `about`: the id of the order's
    dispatch; `at`: when it was asked; `end_to_end`: the payment's end-to-end id, "" if unknown; `paid`: when the
    payment was made; `account`, `holder`: the payee's account number and its holder's name ("" if unknown).
    """

    dispatch: str
    about: str
    at: datetime
    end_to_end: str
    amount_fen: int
    paid: datetime
    account: str
    holder: str


def status_request(asked: StatusRequest, to: Institution) -> bytes | None:
    """Return the pacs.028 (XML, UTF-8) of a question, in the version that the institution `to` accepts. Nothing is
    sent.

    Returns None if the institution accepts no pacs.028 or no camt.056 (it then gets orders as JSON), or if the question
    does not fit the message's fields.
    """
    case = reference(asked.about)
    if to.status_request is None or to.cancellation is None or case is None:
        return None
    fields = [*_header(asked, to), *_transaction(asked, case, to.cancellation)]
    return valid_message(to.status_request, "FIToFIPmtStsReq", fields, "IntrBkSttlmAmt")


def _header(asked: StatusRequest, to: Institution) -> Sequence[Field]:
    centre, bank = "GrpHdr/InstgAgt/FinInstnId", "GrpHdr/InstdAgt/FinInstnId"
    return [
        ("GrpHdr/MsgId", short_hash(asked.dispatch)),
        ("GrpHdr/CreDtTm", asked.at.astimezone(BEIJING).isoformat(timespec="seconds")),
        (f"{centre}/Nm", CENTRE),
        (f"{bank}/BICFI", to.bic),
        (f"{bank}/Nm", None if to.bic else to.name),
    ]


def _transaction(asked: StatusRequest, case: str, kind: str) -> Sequence[Field]:
    one = "TxInf"
    original = f"{one}/OrgnlTxRef"
    return [
        (f"{one}/StsReqId", short_hash(asked.dispatch)),
        (f"{one}/OrgnlGrpInf/OrgnlMsgId", case),
        (f"{one}/OrgnlGrpInf/OrgnlMsgNmId", kind),
        (f"{one}/OrgnlEndToEndId", named_id(asked.end_to_end) or None),
        (f"{original}/IntrBkSttlmAmt", decimal_yuan(asked.amount_fen)),
        (f"{original}/IntrBkSttlmDt", asked.paid.astimezone(BEIJING).date().isoformat()),
        (f"{original}/Cdtr/Pty/Nm", asked.holder[:LONGEST_NAME] or None),
        (f"{original}/CdtrAcct/Id/Othr/Id", asked.account),
    ]
