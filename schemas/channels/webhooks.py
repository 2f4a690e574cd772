"""Webhooks: other programs' addresses that receive case events; on the topic `webhooks`."""

from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from schemas.base import Model, Text, When, encrypted_or_local
from schemas.casework.events import FactKind
from schemas.levels import Level
from schemas.people.staff import Area


def _reachable(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port  # raises ValueError if it is not a port
    except ValueError:
        raise ValueError("not an address: write https://host/path") from None
    if not host or "@" in parts.netloc or parts.fragment:
        raise ValueError("write https://host/path, without a user and without a fragment")
    if not encrypted_or_local(url):
        raise ValueError("only https, or http on this machine: what is sent says who is in danger where")
    return url


Url = Annotated[str, StringConstraints(max_length=500), AfterValidator(_reachable)]
"""A webhook's address: https, or http on this machine."""


TextLanguage = Literal["zh", "en", "ko"]
"""What the sentences of codes are written in."""


class Health(StrEnum):
    """The state of the deliveries to a webhook, once something was sent. FINE: the latest one was accepted; FAILING: it
    is retried at growing intervals, and nothing is lost; GONE: the program answered 410, so it wants no more events.
    """

    FINE = "fine"
    FAILING = "failing"  # retried at growing intervals; nothing is lost
    GONE = "gone"  # answered 410: it wants no more events


class Webhook(Model):
    """A program's address that receives case events. `area`: only events of cases of this area. `secrets`: encrypted,
    the newest first; while a secret is being replaced there are two, and both sign.
    """

    id: Annotated[str, StringConstraints(pattern=r"^w[a-z2-7]{16}$")]
    url: Url
    kinds: frozenset[FactKind] = frozenset()  # kinds of facts that it receives; empty: every event
    levels: frozenset[Level] = frozenset()  # empty: all
    area: Area = ""
    words: bool = False  # also gets sentences and what people wrote, without numbers of anybody; False: only codes
    language: TextLanguage = "zh"  # of the sentences
    secrets: Annotated[list[str], Field(min_length=1, max_length=2)]
    paused: bool = False
    made_at: When
    made_by: Text
