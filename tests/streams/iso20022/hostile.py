"""Documents that do harm, made by a seed: entities, bombs, encodings, cut off, deep, of wrong namespaces.

Each names a file and a server that nobody may touch.
"""

from collections.abc import Callable
from random import Random

from tests.streams.iso20022.messages import answer, payment, payments, report, returned

Make = Callable[[Random, bytes, str, str], bytes]
"""Makes a hostile document of a valid one; with the file and the server to reach for."""

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def valid(chance: Random) -> bytes:
    """A valid document, of one of the kinds that are read."""
    return chance.choice([payments(payment(f"E{chance.random()}"), payment()), report(), answer(), returned()])


def _with_dtd(body: bytes, dtd: str, used: str = "") -> bytes:
    head, _, rest = body.partition(b"<Document")
    return head + dtd.encode() + b"\n<Document" + rest.replace(b"</MsgId>", f"{used}</MsgId>".encode())


def external_file(chance: Random, body: bytes, file: str, server: str) -> bytes:
    return _with_dtd(body, f'<!DOCTYPE Document [<!ENTITY x SYSTEM "file://{file}">]>', "&x;")


def external_server(chance: Random, body: bytes, file: str, server: str) -> bytes:
    return _with_dtd(body, f'<!DOCTYPE Document [<!ENTITY x SYSTEM "{server}">]>', "&x;")


def external_dtd(chance: Random, body: bytes, file: str, server: str) -> bytes:
    return _with_dtd(body, f'<!DOCTYPE Document SYSTEM "{chance.choice([server, "file://" + file])}">')


def parameter_entity(chance: Random, body: bytes, file: str, server: str) -> bytes:
    return _with_dtd(body, f'<!DOCTYPE Document [<!ENTITY % x SYSTEM "{server}"> %x;]>')


def laughs(chance: Random, body: bytes, file: str, server: str) -> bytes:
    return _with_dtd(body, f'<!DOCTYPE Document [<!ENTITY l0 "ha">{LAUGHS}]>', "&l9;")


def laughs_in_an_attribute(chance: Random, body: bytes, file: str, server: str) -> bytes:
    made = _with_dtd(body, f'<!DOCTYPE Document [<!ENTITY l0 "ha">{LAUGHS}]>')
    return made.replace(b"<Document", b'<Document a="&l9;"', 1)


def unknown_entity(chance: Random, body: bytes, file: str, server: str) -> bytes:
    return body.replace(b"</CreDtTm>", b"&x;</CreDtTm>")


def include(chance: Random, body: bytes, file: str, server: str) -> bytes:
    xi = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{file}" parse="text"/>'
    return body.replace(b"</Document>", xi.encode() + b"</Document>")


def encoded(chance: Random, body: bytes, file: str, server: str) -> bytes:
    codec = chance.choice(["utf-16", "utf-16-le", "utf-32", "gb18030", "cp037", "utf-7"])
    made = external_file(chance, body, file, server)
    return made.decode().replace("UTF-8", codec if chance.random() < 0.5 else "UTF-8").encode(codec, "replace")


def declared(chance: Random, body: bytes, file: str, server: str) -> bytes:
    return body.replace(b"UTF-8", chance.choice([b"UTF-16", b"GB18030", b"EBCDIC-CP-US", b"ISO-8859-1", b"x-none"]))


def cut(chance: Random, body: bytes, file: str, server: str) -> bytes:
    return body[: chance.randrange(len(body) - 1)]


def deep(chance: Random, body: bytes, file: str, server: str) -> bytes:
    depth = chance.choice([10, 300, 3_000, 30_000])
    return body.replace(b"</Document>", b"<a>" * depth + b"</a>" * depth + b"</Document>")


def namespace(chance: Random, body: bytes, file: str, server: str) -> bytes:
    other = chance.choice(["", "urn:x", "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09", "urn:iso:std:iso:20022"])
    start = body.index(b'xmlns="') + 7
    return body[:start] + other.encode() + body[body.index(b'"', start) :]


def prefixed(chance: Random, body: bytes, file: str, server: str) -> bytes:
    return body.replace(b"<GrpHdr>", b"<q:GrpHdr>").replace(b"<Assgnmt>", b"<q:Assgnmt>")


def many_attributes(chance: Random, body: bytes, file: str, server: str) -> bytes:
    return body.replace(b"<Document", b"<Document " + b" ".join(b'a%d="1"' % n for n in range(5_000)), 1)


def many_elements(chance: Random, body: bytes, file: str, server: str) -> bytes:
    return body.replace(b"</Document>", b"<a/>" * 20_000 + b"</Document>")


def null(chance: Random, body: bytes, file: str, server: str) -> bytes:
    return body.replace(b"</CreDtTm>", chance.choice([b"\0", b"&#0;", b"&#xD800;", b"&#x1F;"]) + b"</CreDtTm>")


def two_documents(chance: Random, body: bytes, file: str, server: str) -> bytes:
    return body + body


def not_xml(chance: Random, body: bytes, file: str, server: str) -> bytes:
    return chance.choice([b"", b"{}", b"<", b"\x1f\x8b\x08", b"PK\x03\x04", chance.randbytes(200)])


HOSTILE: tuple[Make, ...] = (
    external_file,
    external_server,
    external_dtd,
    parameter_entity,
    laughs,
    laughs_in_an_attribute,
    unknown_entity,
    include,
    encoded,
    declared,
    cut,
    deep,
    namespace,
    prefixed,
    many_attributes,
    many_elements,
    null,
    two_documents,
    not_xml,
)
"""All of these must be refused."""


def pointed(chance: Random, body: bytes, file: str, server: str) -> bytes:
    """Points to a schema and a style sheet elsewhere, which are not read; the message itself is valid."""
    made = body.replace(b"?>\n", f'?>\n<?xml-stylesheet href="{server}"?>\n'.encode(), 1)
    at = f' xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="urn:x {server}"'
    return made.replace(b"<Document", b"<Document" + at.encode(), 1)


def flipped(chance: Random, body: bytes, file: str, server: str) -> bytes:
    """With bytes changed by chance: refused or read, never an error of another kind."""
    made = bytearray(body)
    for _ in range(chance.randrange(1, 4)):
        made[chance.randrange(len(made))] = chance.randrange(256)
    return bytes(made)
