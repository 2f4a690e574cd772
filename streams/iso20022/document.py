"""Parses XML of unknown senders safely: limited size, no DTD or entities, no access to files or the network.

The text must be UTF-8, so that a search of the bytes finds every document type declaration before parsing.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TypeVar

from lxml import etree

from schemas.errors import UserError

MOST_BYTES = 16 * 2**20  # of a document; its tree needs about ten times as much memory
MOST_NAMESPACES = 20  # around a transaction, and in it: copying it searches them for each element
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"

_SCHEMAS = Path(__file__).parent / "schemas"
_BOM = b"\xef\xbb\xbf"
_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"  # schema locations: they are not read
_LINE_END = b"\n"
_DTD = re.compile(rb"<!(DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)")
_ENCODING = re.compile(rb"""<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_NAME = re.compile(r"[A-Za-z0-9]{1,35}")

_OTHER = "not as the schema says"
_FAULTS = {
    "SCHEMAV_ELEMENT_CONTENT": "an element is missing here, or stands in the wrong place",
    "SCHEMAV_CVC_ELT_1": "no such element",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_3": "text where only elements are allowed",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "an attribute that the schema lacks",
    "SCHEMAV_CVC_COMPLEX_TYPE_4": "an attribute is missing",
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_1": "a value of the wrong type",
    "SCHEMAV_CVC_ENUMERATION_VALID": "a code that the schema lacks",
    "SCHEMAV_CVC_FRACTIONDIGITS_VALID": "too many decimals",
    "SCHEMAV_CVC_MAXLENGTH_VALID": "too long",
    "SCHEMAV_CVC_MINLENGTH_VALID": "empty",
    "SCHEMAV_CVC_MININCLUSIVE_VALID": "too small",
    "SCHEMAV_CVC_PATTERN_VALID": "written in another form than the schema's",
    "SCHEMAV_CVC_TOTALDIGITS_VALID": "too many digits",
}

_validating = Lock()  # a schema keeps the errors of one validation

Read = TypeVar("Read")


class MessageError(UserError, ValueError):
    """A message cannot be parsed. The text states why and, if it has a place, where, without the message's values."""


def parsed(body: bytes) -> etree._Element:
    """Return the root element of the XML `body`, without comments and processing instructions.

    Raises MessageError if `body` is over 16 MiB, or, with the line and mostly the column, if it is not XML, not UTF-8,
    or has a document type or entity declaration, even in a comment.
    """
    body = body.removeprefix(_BOM)
    if len(body) > MOST_BYTES:
        raise MessageError(f"over {MOST_BYTES // 2**20} MiB: write several documents")
    _check_text(body)
    if found := _DTD.search(body):
        raise MessageError(f"{_place(body, found.start())}: a document type declaration or entity; none is read here")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise MessageError(f"line {line}, column {column}: not well-formed XML") from None


def message_of(root: etree._Element, kinds: Sequence[str]) -> tuple[str, etree._Element]:
    """Return the kind of the document's message, such as `pacs.008.001.08`, and the message's element.

    Raises MessageError if the document is not of one of `kinds`, does not contain exactly one message, has an attribute
    at the Document or the message other than schema locations, or declares over 20 namespaces.
    """
    name = etree.QName(root)
    kind = (name.namespace or "").removeprefix(NAMESPACE)
    if name.localname != "Document" or kind not in kinds:
        raise MessageError(f"line {root.sourceline}: not a Document of {', '.join(kinds)}")
    if len(root) != 1:
        raise MessageError(f"line {root.sourceline}: a Document holds one message")
    if any(not name.startswith(_INSTANCE) for name in (*root.attrib, *root[0].attrib)):
        raise MessageError(f"line {root.sourceline}: an attribute that the schema lacks")
    if len(root[0].nsmap) > MOST_NAMESPACES:
        raise too_many_namespaces(root[0])
    return kind, root[0]


def too_many_namespaces(element: etree._Element) -> MessageError:
    """Return (not raise) the error for an element that declares over 20 namespaces."""
    return MessageError(f"line {element.sourceline}: over {MOST_NAMESPACES} namespaces; a message needs one")


def validate(root: etree._Element, kind: str) -> None:
    """Raise MessageError, with the path of the first element that violates it, if the document does not conform to the
    schema of `kind`, such as pacs.008.001.08.
    """
    schema = _schema(kind)
    with _validating:
        if schema.validate(root):
            return
        entry = schema.error_log[0]
    found = root.getroottree().xpath(entry.path) if entry.path else []
    where = path(found[0]) if isinstance(found, list) and found else "Document"
    raise MessageError(f"{where}: {_FAULTS.get(entry.type_name, _OTHER)} ({kind})")


def path(element: etree._Element) -> str:
    """Return the local names of an element and its ancestors below the message, joined by slashes, the outermost first.

    For the root (Document) and the message itself, it is the root's name. A name with other characters than ASCII
    letters and digits is replaced by "?".
    """
    chain = [element, *element.iterancestors()]
    return "/".join(_readable(each) for each in reversed(chain[:-2] or chain[:1]))


def text_at(element: etree._Element, where: str) -> str | None:
    """Return the stripped text at a path of local names (joined by slashes) below an element: "" if the element is
    empty, None if no such element exists.
    """
    found = child(element, where)
    return None if found is None else (found.text or "").strip()


def child(element: etree._Element, where: str) -> etree._Element | None:
    """Return the first element at a path of local names (joined by slashes) below `element`, or None if none exists."""
    return element.find(_query(where))


def needed(element: etree._Element, where: str) -> str:
    """Return the stripped text at a path of local names (joined by slashes) below `element`. Raises MessageError, with
    the path, if the text is missing or empty.
    """
    found = text_at(element, where)
    if not found:
        raise MessageError(f"{path(element)}/{where}: missing; Quanzu needs it")
    return found


def understood(element: etree._Element, where: str, read: Callable[[], Read]) -> Read:
    """Return the result of `read()`. If it raises ValueError, raises MessageError instead, with the place (the path
    `where` below `element`) and the error's text. Other errors pass through.
    """
    try:
        return read()
    except ValueError as error:
        raise MessageError(f"{path(element)}/{where}: {error}") from None


@cache
def _query(where: str) -> str:
    return "/".join(f"{{*}}{name}" for name in where.split("/"))


@cache
def _schema(kind: str) -> etree.XMLSchema:
    return etree.XMLSchema(file=str(_SCHEMAS / f"{kind}.xsd"))


def _check_text(body: bytes) -> None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MessageError(f"{_place(body, error.start)}: not UTF-8; GB18030 and UTF-16 are not read here") from None
    declared = _ENCODING.match(body)
    if declared and declared[1].lower() not in (b"utf-8", b"utf8"):
        raise MessageError("line 1: the XML declaration names another encoding than UTF-8")


def _place(body: bytes, index: int) -> str:
    before = body[:index].rpartition(b"\n")
    return f"line {body.count(_LINE_END, 0, index) + 1}, column {len(before[2]) + 1}"


def _readable(element: etree._Element) -> str:
    name = etree.QName(element).localname
    return name if _NAME.fullmatch(name) else "?"  # a stranger's name could hold anything
