"""The audit topic: entries on the acts of people and automatic watchers, and the hash chains that they form."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.base import Model, Note, Text, Token, When
from schemas.people.staff import TokenId

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""HMAC-SHA256 under the audit's key, in hex (domain/access/audit_chain)."""

ChainId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
"""A random id: a chain contains the entries of one process from its start to its end."""

Place = Annotated[int, Field(ge=-1, lt=2**53)]
"""An offset on the topic; -1: unknown."""

AUDITOR = "auditor"  # `by` of the escalation auditor's acts
MOST_HEADS = 50  # in one line; heads that earlier lines have named are bound already


class Head(Model):
    """The last line of a chain of audit lines, and its offset (-1: unknown).

    `at`: when this was stated; `mac`: proves that it was made with the audit's key.
    """

    chain: ChainId
    number: Annotated[int, Field(ge=1)]
    offset: Place
    hash: Digest
    at: When
    mac: Digest


class Link(Model):
    """An audit line's place in its chain. `hash` must be the last field: it covers all bytes of the line before it.

    `first`: the number of its batch's first line; `before`, `after`: the previous line's hash and offset (-1: unknown);
    `heads`: of other chains.
    """

    chain: ChainId
    number: Annotated[int, Field(ge=1)]
    first: Annotated[int, Field(ge=1)]  # number of the first line of its batch, which is retried as a whole
    before: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")] = ""  # the hash of the previous line
    after: Place = -1  # the offset of the previous line
    heads: Annotated[list[Head], Field(max_length=MOST_HEADS)] = Field(default_factory=list)  # of other chains
    hash: Digest


class RevealReason(StrEnum):
    """The class of a reason for revealing a resident's data."""

    CALLING = "calling"  # to telephone the resident or a trusted contact
    VISITING = "visiting"
    STOPPING = "stopping"  # to stop a payment, or to lift a stop
    ANSWERING = "answering"  # the resident calls or complains
    CHECKING = "checking"  # a supervisor or auditor checks the work on the case
    OTHER = "other"


class RevealVerdict(StrEnum):
    """A reviewer's opinion of a revealing."""

    CONFIRMED = "confirmed"
    QUESTIONED = "questioned"


class AuditEntry(Model):
    """An audit entry: who (a person, or a part of Quanzu such as `auditor`) did what to which object, and why.

    It has no personal data.
    """

    at: When
    by: Text
    act: Token  # drain, letter-dropped, feed-silent, policy-stopped, ...
    on: Text  # the object: a dead letter's id, a source, a case, a policy's hash
    reason: Note = ""
    detail: Note = ""  # further details, such as the digest of the bytes sent
    token: TokenId | None = None  # the API token through which a program did it
    link: Link | None = None  # None: not chained. Must be the last field: see Link.hash


class ChainFaultKind(StrEnum):
    """The kinds of faults in the audit's chains.

    CHANGED: the hash does not match, or somebody without the key put the line in; UNCHAINED: a line in no chain, after
    chained ones; MISSING: a line is not there; ELSEWHERE: a line is at another offset; REPEATED: a line stands again
    where no writer repeats it; FORKED: a line follows another one than the line before it; FOREIGN: a head was not made
    with this key.
    """

    CHANGED = "changed"
    UNCHAINED = "unchained"
    MISSING = "missing"
    ELSEWHERE = "elsewhere"
    REPEATED = "repeated"
    FORKED = "forked"
    FOREIGN = "foreign"


class ChainFault(Model):
    """A faulty line: its chain and number, and the offset at which the fault was noticed.

    A line in no chain has chain "" and number 0. `number`: of several missing lines, the first. `words`: for logs and
    the command line, in English.
    """

    kind: ChainFaultKind
    chain: str
    number: int
    offset: int
    words: str


class Verification(Model):
    """The result of the last verification of all audit chains, as stored in Redis: numbers of lines, chains and heads.

    `before`: lines without a chain, before the first chained one; `repeats`: lines that their writers sent twice;
    `fault`: the first one, or None.
    """

    at: When
    by: Text
    lines: int
    chains: int
    before: int  # lines without a chain, before the first chained one
    repeats: int  # lines that are on the topic twice because their writer retried
    heads: int  # heads that were compared: those in Redis and those stored elsewhere
    fault: ChainFault | None = None
