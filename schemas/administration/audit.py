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
    """The newest line of an audit chain: its number, its hash and its offset on the topic (-1: unknown).

    `at`: when the head was written; `mac`: a code made with the audit's key, which proves that the head is genuine.
    """

    chain: ChainId
    number: Annotated[int, Field(ge=1)]
    offset: Place
    hash: Digest
    at: When
    mac: Digest


class HeadsStatement(Model):
    """The first line of a text of signed heads: whose they are, when it was signed, and how many follow."""

    installation: Text
    at: When
    heads: Annotated[int, Field(ge=0)]


class HeadsSignature(Model):
    """The last line of a text of signed heads. `public`: the public key (SubjectPublicKeyInfo), and `signature`: the
    signature of all bytes before this line, both in Base64.
    """

    public: Annotated[str, StringConstraints(max_length=256)]
    signature: Annotated[str, StringConstraints(max_length=256)]


class Link(Model):
    """The place of an audit line in its chain. `hash` must be the last field: it covers all bytes of the line before
    the hash.

    `first`: the number of the first line of its batch. `before`, `after`: the hash and the offset of the previous line
    ("" and -1: unknown). `heads`: the newest lines of other chains at that time.
    """

    chain: ChainId
    number: Annotated[int, Field(ge=1)]
    first: Annotated[int, Field(ge=1)]  # number of the first line of its batch, which is retried as a whole
    before: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")] = ""  # the hash of the previous line
    after: Place = -1  # the offset of the previous line
    heads: Annotated[list[Head], Field(max_length=MOST_HEADS)] = Field(default_factory=list)  # of other chains
    hash: Digest


class RevealReason(StrEnum):
    """The category of the reason for which a person reveals a resident's personal data. CALLING: to telephone the
    resident or a trusted contact; VISITING: for a visit; STOPPING: to stop a payment, or to lift a stop; ANSWERING: the
    resident calls or complains; CHECKING: a supervisor or auditor checks the work on the case; OTHER.
    """

    CALLING = "calling"  # to telephone the resident or a trusted contact
    VISITING = "visiting"
    STOPPING = "stopping"  # to stop a payment, or to lift a stop
    ANSWERING = "answering"  # the resident calls or complains
    CHECKING = "checking"  # a supervisor or auditor checks the work on the case
    OTHER = "other"


class RevealVerdict(StrEnum):
    """A reviewer's opinion on whether personal data was revealed for a good reason."""

    CONFIRMED = "confirmed"
    QUESTIONED = "questioned"


class AuditEntry(Model):
    """An audit entry. `by`: the person, or the part of Quanzu such as `auditor`, that acted; `act`: what was done;
    `on`: its object; `reason`: why.

    The entry has no personal data.
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

    CHANGED: the line's hash is wrong, so the line was changed or written without the key; UNCHAINED: a line without a
    chain comes after chained lines; MISSING: a line does not exist; ELSEWHERE: a line is not at the offset that the
    next line states; REPEATED: a line exists twice, and not because its writer retried; FORKED: the line names another
    line as its previous one; FOREIGN: a head was made with another key.
    """

    CHANGED = "changed"
    UNCHAINED = "unchained"
    MISSING = "missing"
    ELSEWHERE = "elsewhere"
    REPEATED = "repeated"
    FORKED = "forked"
    FOREIGN = "foreign"


class ChainFault(Model):
    """A faulty audit line: its chain, its number in the chain, and the offset at which the fault was found.

    A line without a chain has chain "" and number 0. If several lines are missing, `number` is the first one's.
    `words`: an English sentence for logs and the command line.
    """

    kind: ChainFaultKind
    chain: str
    number: int
    offset: int
    words: str


class Verification(Model):
    """The result of the last verification of all audit chains, as stored in Redis: numbers of lines, chains and heads.

    `before`: number of lines without a chain before the first chained line; `repeats`: number of lines that a writer's
    retry put on the topic twice; `fault`: the first fault found, None if the chains are complete.
    """

    at: When
    by: Text
    lines: int
    chains: int
    before: int  # lines without a chain, before the first chained one
    repeats: int  # lines that are on the topic twice because their writer retried
    heads: int  # heads that were compared: those in Redis and those stored elsewhere
    fault: ChainFault | None = None
