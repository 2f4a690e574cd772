"""ISO 20022 documents: payments (pacs.008) and their status reports (pacs.002). A row is one transaction.

Each transaction becomes a document of its own, with the group header, which `streams/iso20022` parses.
"""

from lxml import etree

from streams.intake.acceptor import Unreadable
from streams.intake.formats.rows import Options, Row, RowError
from streams.intake.parsing import BodyError
from streams.iso20022.document import MessageError, parsed
from streams.iso20022.payments import transactions, transfer

DO = "Correct the message and send the transaction again"


def open_rows(header: bytes, options: Options) -> Row:
    """Return the function that parses a document with one transaction: it returns the fields of a transfer signal, or
    raises RowError. `header` and `options` are ignored: the format has none.
    """
    return _row


def rows_of(content: bytes) -> list[bytes]:
    """Return the file's document split into one document for each transaction; `[content]` if it cannot be parsed."""
    try:
        return [etree.tostring(each, encoding="UTF-8") for each in transactions(content)]
    except MessageError:
        return [content]


def items_of_document(body: bytes) -> list[object]:
    """Return the items of a request's document, one for each transaction, in order: the fields of a transfer signal, or
    an Unreadable for an invalid one.

    Raises BodyError if the document cannot be parsed or split.
    """
    try:
        return [_item(each) for each in transactions(body)]
    except MessageError as error:
        raise BodyError(str(error)) from None


def _row(line: bytes, row_id: str) -> object:
    try:
        return transfer(parsed(line))
    except MessageError as error:
        raise RowError(str(error)) from None


def _item(document: etree._Element) -> object:
    try:
        return transfer(document)
    except MessageError as error:
        return Unreadable(str(error), DO)
