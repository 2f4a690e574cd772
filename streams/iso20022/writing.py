"""Writes a message of ISO 20022 from the paths and texts of its elements, validated by the official schema."""

from collections.abc import Sequence

from lxml import etree

from domain.payments.iso_codes import CURRENCY
from streams.iso20022.document import NAMESPACE, validate

CENTRE = "96110"  # the anti-fraud centre, as every bank knows it
LONGEST_NAME = 140

Path = str
Field = tuple[Path, str | None]
"""An element's path, and its text; None leaves it out."""


def valid_message(kind: str, body: str, fields: Sequence[Field], amount: str) -> bytes | None:
    """Return the message of a `kind`, such as camt.056.001.09 (XML, UTF-8). `body`: the name of its element below
    Document; `fields`: in the schema's order; `amount`: the name of the elements that get a currency (CNY).

    Returns None if the message does not conform to the schema of `kind` because a text does not fit its field: a person
    may have typed characters that XML does not allow.
    """
    try:
        document = _document(kind, body, fields, amount)
        validate(document, kind)
    except ValueError:
        return None
    made: bytes = etree.tostring(document, xml_declaration=True, encoding="UTF-8")
    return made


def _document(kind: str, name: str, fields: Sequence[Field], amount: str) -> etree._Element:
    namespace = f"{NAMESPACE}{kind}"
    document = etree.Element(f"{{{namespace}}}Document", nsmap={None: namespace})
    body = etree.SubElement(document, f"{{{namespace}}}{name}")
    for where, value in fields:
        if value is not None:
            _at(body, namespace, where.split("/")).text = value
    for money in body.iter(f"{{{namespace}}}{amount}"):
        money.set("Ccy", CURRENCY)
    return document


def _at(element: etree._Element, namespace: str, names: Sequence[str]) -> etree._Element:
    """Return the element at the path `names`, creating missing elements. Callers must keep the schema's order."""
    for name in names:
        tag = f"{{{namespace}}}{name}"
        found = element.find(tag)
        element = etree.SubElement(element, tag) if found is None else found
    return element
