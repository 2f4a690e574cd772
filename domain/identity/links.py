"""Links: their normal form, and the wider forms under which one may be listed.

Error texts never contain the value.
"""

import re
import unicodedata
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit

LONGEST_LINK = 1_024  # characters
PARENTS = 4  # domains above a link's host that are looked up
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_PORTS = {"http": 80, "https": 443}
_PLAIN = "!$&'()*+,;=:@/~"  # characters of a path that need no escape


def normal_link(raw: str) -> str:
    """Return a web link or a bare domain normalized: host, port if unusual, path and query.

    Without scheme, `www.`, user, fragment and a last slash, which do not decide where a link leads. Raises ValueError
    for anything else.
    """
    text = unicodedata.normalize("NFKC", raw).strip()
    if not 0 < len(text) <= LONGEST_LINK:
        raise ValueError(f"a link has 1 to {LONGEST_LINK:,} characters")
    if not text.isprintable() or " " in text or "\\" in text:
        raise ValueError("a link has no blanks, backslashes or invisible characters")
    parts = _parts(text)
    query = f"?{parts.query}" if parts.query else ""
    path = quote(unquote_to_bytes(parts.path), safe=_PLAIN).rstrip("/")
    return f"{_host(parts)}{_port(parts)}{path}{query}"


def link_forms(normal: str) -> tuple[str, ...]:
    """Return the forms under which a normalized link may be listed, the exact one first.

    The others are without the query, the host alone, and the domains above it, down to two labels.
    """
    page = normal.partition("?")[0]
    host = page.partition("/")[0].partition(":")[0]
    labels = host.split(".")
    first = max(1, len(labels) - 1 - PARENTS)
    above = [".".join(labels[start:]) for start in range(first, len(labels) - 1)] if not _is_address(host) else []
    return tuple(dict.fromkeys([normal, page, host, *above]))


def _parts(text: str) -> SplitResult:
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        _ = parts.port
    except ValueError:
        raise ValueError("not a link") from None
    if parts.scheme not in _PORTS:
        raise ValueError("not a link of the web: http or https")
    return parts


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    try:
        host = host.encode("idna").decode()
    except UnicodeError:
        raise ValueError("the link has no valid domain") from None
    labels = host.split(".")
    if len(labels) < 2 or len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError("the link has no valid domain")
    while host.startswith("www.") and host.count(".") > 1:
        host = host.removeprefix("www.")
    return host


def _port(parts: SplitResult) -> str:
    return "" if parts.port in (None, _PORTS[parts.scheme]) else f":{parts.port}"


def _is_address(host: str) -> bool:
    return host.replace(".", "").isdigit()
