"""The audit topic: what people and watchers did or found, for whoever asks later; and the chains its lines make."""

from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.base import Model, Note, Text, Token, When

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""HMAC-SHA256 under the audit's key (domain/access/audit_chain)."""

ChainId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
"""A random name: one chain is what one process writes from its start to its end."""

Place = Annotated[int, Field(ge=-1, lt=2**53)]
"""An offset on the topic; -1: not known."""

AUDITOR = "auditor"  # who acted, where the escalation auditor did
MOST_HEADS = 50  # of one line; what an earlier line has named is bound by it already


class Head(Model):
    """How far a chain reaches: its last line and where Kafka put it. `mac` says that it is one of ours."""

    chain: ChainId
    number: Annotated[int, Field(ge=1)]
    offset: Place
    hash: Digest
    at: When
    mac: Digest


class Link(Model):
    """A line's place in its chain. `hash` is the last field, and seals all bytes of the line before it."""

    chain: ChainId
    number: Annotated[int, Field(ge=1)]
    first: Annotated[int, Field(ge=1)]  # the first of the lines that were sent together with it: tried again as one
    before: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")] = ""  # the hash of the line before it
    after: Place = -1  # where Kafka put the line before it
    heads: Annotated[list[Head], Field(max_length=MOST_HEADS)] = Field(default_factory=list)  # of other chains
    hash: Digest


class AuditEntry(Model):
    """By whom (a person, or a part of Quanzu such as `auditor`), what, on what and why. No personal data."""

    at: When
    by: Text
    act: Token  # drain, letter-dropped, feed-silent, policy-stopped, ...
    on: Text  # what it was done to: a letter's id, a source, a case, a policy's hash
    reason: Note = ""
    detail: Note = ""  # of what exactly, such as the digest of what was sent
    link: Link | None = None  # none: written before there were chains. The last field: see Link.hash


class Verification(Model):
    """The last look at all chains, as it lies in Redis. `fault`: the first wrong line in words; empty: all is well."""

    at: When
    by: Text
    lines: int
    chains: int
    before: int  # lines without a chain, before the first that has one
    repeats: int  # lines that a writer had to send again, and that stand there twice
    heads: int  # ends of chains that were compared: those in Redis and those kept outside
    fault: Note = ""
