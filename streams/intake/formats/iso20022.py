"""Documents of ISO 20022: payments (pacs.008) and their status reports (pacs.002). A row is one transaction.

Each transaction becomes a document of its own, with the group header. `streams/iso20022` reads them.
"""

from lxml import etree

from streams.intake.acceptor import Unreadable
from streams.intake.formats.rows import Options, Row, RowError
from streams.intake.parsing import BodyError
from streams.iso20022.document import MessageError, parsed
from streams.iso20022.payments import transactions, transfer

DO = "Correct the message and send the transaction again"


def open_rows(header: bytes, options: Options) -> Row:
    """Return the reader of documents with one transaction; there is no header."""
    return _row


def rows_of(content: bytes) -> list[bytes]:
    """Return a document for each transaction of a file's document. A document that cannot be read is one row."""
    try:
        return [etree.tostring(each, encoding="UTF-8") for each in transactions(content)]
    except MessageError:
        return [content]


def items_of_document(body: bytes) -> list[object]:
    """Return the items of a request's document, one for each transaction; an invalid one becomes an Unreadable.

    Raises BodyError if the document cannot be read.
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
