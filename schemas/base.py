"""Base of all models on topics: frozen, strict about unknown fields, times with UTC offset, money in integer fen."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Annotated, Generic, Literal, TypeVar, overload
from urllib.parse import urlsplit

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

# Times outside come from broken clocks. In UTC, so that a time stays inside when converted to another zone.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


ANY_VERSION: Literal["ignore"] = "ignore"
"""The argument for reading our own records, `extra=ANY_VERSION`: unknown fields are ignored, because a newer version,
running beside this one during an upgrade, may write them."""


class Model(BaseModel):
    """A frozen value that refuses unknown fields, so that a misspelt field is not silently lost.

    Used for data from people and other programs. Records of our own processes are read with ANY_VERSION, which ignores
    unknown fields.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null", allow_inf_nan=False)


def _plausible(at: datetime) -> datetime:
    if not EARLIEST <= at < LATEST:
        raise ValueError(f"the year must lie between {EARLIEST.year} and {LATEST.year - 1}")
    return at


_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


def legible(text: str) -> str:
    """Return `text` without control characters, which move a terminal's cursor, and without direction marks and other
    invisible characters, which make one address look like another. Tabs and line feeds are kept; carriage returns are
    removed.

    The characters are removed, not refused, so that a stray byte in a note does not lose a receipt or report. In names
    and ids (`Text`) they are refused, because removing them would make another name.
    """
    return text if text.isprintable() else _HIDDEN.sub("", text)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("not_printable", "only printable characters are allowed")
    return text


def encrypted_or_local(url: str) -> bool:
    """Return True if `url` is an https address, or an http address of this machine (see `is_this_machine`). Return
    False for any other URL, and for a text that cannot be parsed or has no host.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(host or "")))


def is_this_machine(host: str) -> bool:
    """Return True if `host` is the name localhost or a loopback IP address. Return False for any other name, even if
    DNS resolves it to this machine, and for an IPv6 address in brackets.
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


When = Annotated[AwareDatetime, AfterValidator(_plausible)]
"""An aware datetime between 2000 and 2099."""

MOST_FEN = 10**13
Fen = Annotated[int, Field(strict=True, ge=0, le=MOST_FEN)]
"""Money in fen (1/100 yuan); at most 100 billion yuan."""

Key = TypeVar("Key")
Member = TypeVar("Member")
Default = TypeVar("Default")


class Partial(Generic[Key, Member]):
    """A table with entries for only some members of an enum. It has no [] operator, so callers must state a default.

    A plain dict must have an entry for every member: tests/schemas/test_tables.py checks it.
    """

    def __init__(self, table: Mapping[Key, Member]) -> None:
        self._table = table

    @overload
    def get(self, key: Key) -> Member | None: ...
    @overload
    def get(self, key: Key, default: Default) -> Member | Default: ...
    def get(self, key: Key, default: Default | None = None) -> Member | Default | None:
        """Return the table's entry for the member `key`. If the table has no entry for it, return `default`, or None if
        no default is given.
        """
        return self._table.get(key, default)

    def __contains__(self, key: Key) -> bool:
        return key in self._table


NAME = r"^[a-z0-9][a-z0-9._-]{0,31}$"
Token = Annotated[str, StringConstraints(pattern=NAME)]
"""A short name that may be a metric label: a source, a scam type, a step."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(_printable)]
"""A line of 1 to 128 printable characters."""

LongText = Annotated[str, StringConstraints(min_length=1, max_length=1024), AfterValidator(_printable)]
"""A line of 1 to 1,024 printable characters: a link may be so long."""

Note = Annotated[str, StringConstraints(max_length=2000), AfterValidator(legible)]
"""A person's note of at most 2,000 characters; then invisible characters are removed (see `legible`)."""

Reason = Annotated[str, AfterValidator(legible), StringConstraints(min_length=2, max_length=500)]
"""A person's reason for an act, of 2 to 500 characters after invisible ones are removed (see `legible`)."""

Ref = Annotated[str, StringConstraints(min_length=1, max_length=256)]
"""A reference to another record: the id of a dispatch or input, a transfer's signal uid, a payee's token."""
