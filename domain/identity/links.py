"""Links: their normal form, and the wider forms under which a link may be on the watchlist.

Error texts never contain the value.
"""

import re
import unicodedata
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit

LONGEST_LINK = 1_024  # characters
LONGEST_HOST = 253  # characters
LONGEST_IDN = 64  # of a host with other letters than ASCII: its encoding takes 10 µs or more for each
PARENTS = 4  # domains above a link's host that are looked up
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SCHEMES = frozenset({"http", "https"})
_USUAL_PORTS = frozenset({None, 80, 443})  # a normal link has no scheme, so neither port tells links apart
_PLAIN = "!$&'()*+,;=:@/~"  # characters of a path that need no escape


def normal_link(raw: str) -> str:
    """Return a web link or a bare domain in its normal form: host, port if unusual, path and query.

    Left out, because they do not decide where a link leads: scheme, `www.`, user, fragment and a last slash.
    Normalizing a normal link changes nothing. Raises ValueError, without the link, for anything else.
    """
    text = unicodedata.normalize("NFKC", raw).strip()
    if not 0 < len(text) <= LONGEST_LINK:
        raise ValueError(f"a link has 1 to {LONGEST_LINK:,} characters")
    if not text.isprintable() or " " in text or "\\" in text:
        raise ValueError("a link has no blanks, backslashes or invisible characters")
    parts = _parts(text)
    query = f"?{parts.query}" if parts.query else ""
    path = quote(unquote_to_bytes(parts.path), safe=_PLAIN).rstrip("/")
    normal = f"{_host(parts)}{_port(parts)}{path}{query}"
    if len(normal) > LONGEST_LINK:  # escapes lengthen it
        raise ValueError(f"a link has 1 to {LONGEST_LINK:,} characters, with its escapes")
    return normal


def link_forms(normal: str) -> tuple[str, ...]:
    """Return the forms under which a normalized link may be listed, from the exact one to the widest, each one once:
    the link, the link without its query, the host, and up to four domains above the host, of two labels at least (none
    for an IP address).
    """
    page = normal.partition("?")[0]
    host = page.partition("/")[0].partition(":")[0]
    labels = host.split(".")
    first = max(1, len(labels) - 1 - PARENTS)
    above = [".".join(labels[start:]) for start in range(first, len(labels) - 1)] if not _is_address(host) else []
    return tuple(dict.fromkeys([normal, page, host, *above]))


def _parts(text: str) -> SplitResult:
    try:
        parts = urlsplit(text if _SCHEME.match(text) else f"http://{text}")
        _ = parts.port
    except ValueError:
        raise ValueError("not a link") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError("not a link of the web: http or https")
    return parts


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if len(host) > (LONGEST_HOST if host.isascii() else LONGEST_IDN):
        raise ValueError("the link has no valid domain")
    try:
        host = host.rstrip(".").encode("idna").decode().rstrip(".")  # idna reads 。 as a point
    except UnicodeError:
        raise ValueError("the link has no valid domain") from None
    labels = host.split(".")
    if len(labels) < 2 or len(host) > LONGEST_HOST or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError("the link has no valid domain")
    while host.startswith("www.") and host.count(".") > 1:
        host = host.removeprefix("www.")
    return host


def _port(parts: SplitResult) -> str:
    return "" if parts.port in _USUAL_PORTS else f":{parts.port}"


def _is_address(host: str) -> bool:
    return host.replace(".", "").isdigit()
