"""Parses payments and their status reports as signals: pacs.008, and pacs.002 with the original transaction's data.

A document has many transactions. Each is split off into a document of its own, with the group header, so that an
invalid transaction does not affect the others, and a dead letter can be repaired and parsed alone.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any

from lxml import etree

from domain.payments.iso_codes import NOT_PROVIDED, at, fen_of, source_of, transfer_state
from schemas.risk.signals import Channel, TransferState
from streams.iso20022.document import (
    MOST_NAMESPACES,
    MessageError,
    child,
    message_of,
    needed,
    parsed,
    path,
    text_at,
    too_many_namespaces,
    understood,
    validate,
)

TRANSFERS = ("pacs.008.001.08", "pacs.008.001.09")
REPORTS = ("pacs.002.001.11",)
KINDS = (*TRANSFERS, *REPORTS)

MOST_TRANSACTIONS = 5_000  # of a document
LONGEST_HEADER = 8_192  # bytes; it is copied to each transaction

_TRANSACTIONS = {"pacs.008": "CdtTrfTxInf", "pacs.002": "TxInfAndSts"}
_SHARED = frozenset({"GrpHdr", "OrgnlGrpInfAndSts", "SplmtryData"})
_SUMS = frozenset({"CtrlSum", "TtlIntrBkSttlmAmt"})


def transactions(body: bytes) -> Iterator[etree._Element]:
    """Return an iterator of new documents, one for each transaction of the XML `body` in order, each with the group
    header.

    Raises MessageError, already before the first document, if `body` cannot be parsed, is of another kind, has no
    transaction or over 5,000, another number than its header states, not exactly one group header or one over 8,192
    bytes, an unknown element, or a transaction with over 20 namespaces.
    """
    root = parsed(body)
    kind, given = message_of(root, KINDS)
    name = _TRANSACTIONS[kind[:8]]
    for each in given:
        if etree.QName(each).localname not in (name, *_SHARED):
            raise MessageError(f"line {each.sourceline}: an element that {kind} lacks")
    found = given.findall(f"{{*}}{name}")
    if not 1 <= len(found) <= MOST_TRANSACTIONS:
        raise MessageError(f"{len(found):,} transactions ({name}): write 1 to {MOST_TRANSACTIONS:,} in a document")
    _check_number(given, len(found))
    for each in found:
        if etree.tostring(each).count(b"xmlns") > len(given.nsmap) + MOST_NAMESPACES:
            raise too_many_namespaces(each)
    header = _header(given)
    return (_alone(root, given, header, each) for each in found)


def transfer(document: etree._Element) -> dict[str, Any]:
    """Return the fields of the transfer signal, by name, from a document with one transaction: among them the account
    numbers of payer and payee, `amount_fen` and the time `at` (a datetime).

    Raises MessageError with the element's path if the document violates its schema, has not exactly one transaction, or
    lacks a field that Quanzu needs.
    """
    kind, given = message_of(document, KINDS)
    validate(document, kind)
    _check_number(given, 1)
    if kind in TRANSFERS:
        return _of_payment(given)
    return _of_report(given)


def _of_payment(given: etree._Element) -> dict[str, Any]:
    one = _only(given, "CdtTrfTxInf")
    ids = [text_at(one, f"PmtId/{name}") for name in ("EndToEndId", "UETR", "TxId", "InstrId")]
    return _signal(given, one, one, ids, TransferState.PENDING)


def _of_report(given: etree._Element) -> dict[str, Any]:
    one = _only(given, "TxInfAndSts")
    original = child(one, "OrgnlTxRef")
    if original is None:
        raise MessageError(f"{path(one)}/OrgnlTxRef: missing; Quanzu needs the original accounts and amount")
    status = needed(one, "TxSts")
    state = understood(one, "TxSts", lambda: transfer_state(status))
    ids = [text_at(one, name) for name in ("OrgnlEndToEndId", "OrgnlUETR", "OrgnlTxId", "OrgnlInstrId")]
    return _signal(given, one, original, ids, state)


def _signal(
    given: etree._Element,
    one: etree._Element,
    original: etree._Element,
    ids: Sequence[str | None],
    state: TransferState,
) -> dict[str, Any]:
    """Return the fields of the transfer signal. `given`: the message; `one`: its transaction; `original`: the element
    with the accounts and the amount; `ids`: the payment's ids, the preferred one first.
    """
    amount = needed(original, "IntrBkSttlmAmt")
    currency = original.find("{*}IntrBkSttlmAmt").get("Ccy")
    return {
        "kind": "transfer",
        "source": _source(original),
        "id": _id(one, ids),
        "at": _time(given, one),
        "payer": _account(original, "DbtrAcct"),
        "payee": _account(original, "CdtrAcct"),
        "amount_fen": understood(original, "IntrBkSttlmAmt", lambda: fen_of(amount, currency)),
        "channel": _channel(original),
        "state": state.value,
    }


def _source(original: etree._Element) -> str:
    agent = "DbtrAgt/FinInstnId"
    found = source_of(text_at(original, f"{agent}/BICFI"), text_at(original, f"{agent}/ClrSysMmbId/MmbId"))
    if found is None:
        raise MessageError(f"{path(original)}/{agent}: neither a BICFI nor a number in the payment system (MmbId)")
    return found


def _id(one: etree._Element, ids: Sequence[str | None]) -> str:
    """Return the first usable one of `ids`. The end-to-end id comes first, by which a resent payment is recognized.

    Raises MessageError if none is given.
    """
    found = next((each for each in ids if each and each != NOT_PROVIDED), None)
    if found is None:
        raise MessageError(f"{path(one)}: no end-to-end id, UETR, transaction id or instruction id")
    return found


def _time(given: etree._Element, one: etree._Element) -> datetime:
    where = "AccptncDtTm"
    told = text_at(one, where)
    if told is None:
        one, where = given, "GrpHdr/CreDtTm"
        told = needed(one, where)
    return understood(one, where, lambda: at(told))


def _account(original: etree._Element, which: str) -> str:
    iban = text_at(original, f"{which}/Id/IBAN")
    return iban or needed(original, f"{which}/Id/Othr/Id")


def _channel(original: etree._Element) -> str:
    """Return the payment channel that LclInstrm names; mobile bank, the most common one, if it names
    no known channel.
    """
    named = text_at(original, "PmtTpInf/LclInstrm/Prtry")
    return named if named in list(Channel) else Channel.MOBILE_BANK.value


def _only(given: etree._Element, name: str) -> etree._Element:
    found = given.findall(f"{{*}}{name}")
    if len(found) != 1:
        raise MessageError(f"{path(given)}: {len(found)} transactions where one is expected")
    return found[0]


def _check_number(given: etree._Element, found: int) -> None:
    told = text_at(given, "GrpHdr/NbOfTxs")
    if told is not None and told != str(found):
        raise MessageError(f"GrpHdr/NbOfTxs: another number than the {found} transactions of the document")


def _header(given: etree._Element) -> etree._Element:
    """Return a copy of the group header for a document with one transaction: without sums, and with the number 1.

    Raises MessageError if the message does not have exactly one group header, or if it is too long.
    """
    found = given.findall("{*}GrpHdr")
    if len(found) != 1:
        raise MessageError(f"line {given.sourceline}: {len(found)} group headers (GrpHdr) where one is expected")
    if len(etree.tostring(found[0])) > LONGEST_HEADER:
        raise MessageError(f"line {found[0].sourceline}: a group header of over {LONGEST_HEADER:,} bytes")
    header = deepcopy(found[0])
    for each in list(header):
        local = etree.QName(each).localname
        if local in _SUMS:
            header.remove(each)
        elif local == "NbOfTxs":
            each.text = "1"
    return header


def _alone(root: etree._Element, given: etree._Element, header: etree._Element, one: etree._Element) -> etree._Element:
    document = etree.Element(root.tag, nsmap=root.nsmap)
    etree.SubElement(document, given.tag).extend([deepcopy(header), deepcopy(one)])
    return document
