"""Writes a stop order as a cancellation request for fraud: camt.056, reason FRAD.

The message depends only on the order: sent again, it has the same ids and bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from domain.identity.identifiers import BEIJING
from domain.payments.institutions import Institution
from domain.payments.iso_codes import CURRENCY, decimal_yuan, named_id, reference
from streams.iso20022.document import NAMESPACE, validate

CENTRE = "96110"  # the anti-fraud centre, as every bank knows it
LONGEST_NAME, LONGEST_ACCOUNT = 140, 34

Path = str
Field = tuple[Path, str | None]
"""An element's path, and its text; None leaves it out."""


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A stop order to be written as a message. `at`: when the order was decided; `paid`: when the payment was made;
    `end_to_end`: the payment's end-to-end id, "" if unknown.
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
    """Return the camt.056 (XML, UTF-8) of a stop order, in the version that the institution `to` accepts.

    None if the institution accepts no camt.056, or if the order does not fit the message's fields: a person may have
    typed characters that XML does not allow.
    """
    case = reference(order.dispatch)
    if to.cancellation is None or case is None:
        return None
    try:
        document = _document(to.cancellation, [*_assignment(order, case, to), *_transaction(order, case)])
        validate(document, to.cancellation)
    except ValueError:
        return None
    made: bytes = etree.tostring(document, xml_declaration=True, encoding="UTF-8")
    return made


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


def _document(kind: str, fields: Sequence[Field]) -> etree._Element:
    namespace = f"{NAMESPACE}{kind}"
    document = etree.Element(f"{{{namespace}}}Document", nsmap={None: namespace})
    body = etree.SubElement(document, f"{{{namespace}}}FIToFIPmtCxlReq")
    for where, value in fields:
        if value is not None:
            _at(body, namespace, where.split("/")).text = value
    for amount in body.iter(f"{{{namespace}}}OrgnlIntrBkSttlmAmt"):
        amount.set("Ccy", CURRENCY)
    return document


def _at(element: etree._Element, namespace: str, names: Sequence[str]) -> etree._Element:
    """Return the element at the path `names`, creating missing elements. Callers must keep the schema's order."""
    for name in names:
        tag = f"{{{namespace}}}{name}"
        found = element.find(tag)
        element = etree.SubElement(element, tag) if found is None else found
    return element
