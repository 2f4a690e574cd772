"""What intake answers, in the shapes that its description tells other programs of."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from domain.feeds.dead_letters import State
from schemas.base import When
from streams.intake.acceptor import Fault


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Accepted(_Shape):
    """Kafka has all of it. `ids`: of the signals, in the order in which they came."""

    accepted: int
    ids: list[str]


class Faulty(Accepted):
    """The items that are named were not accepted; all others were."""

    errors: list[Fault]


class Refusal(_Shape):
    """What is wrong, and what to do."""

    error: str
    do: str


class Alive(_Shape):
    """The process lives."""

    status: Literal["ok"]


class Ready(_Shape):
    """Whether signals would be accepted now, or what is in the way."""

    status: Literal["ready", "draining", "Kafka is away"]


class Taken(_Shape):
    """The id of the case's input that a receipt became: of one that comes twice, the same."""

    input: str


class NotTaken(_Shape):
    """Why a receipt was not taken."""

    reason: str


class Done(_Shape):
    """Who did something with a letter, and why."""

    at: When
    by: str
    reason: str
    detail: str
    link: dict[str, Any] | None  # its place in the audit's chain


class Letter(_Shape):
    """A dead letter without its bytes. `topic`: where it comes from; `file` for a row of a file."""

    id: str
    source: str
    topic: str
    at: When
    why: str
    size: int
    state: State
    act: Done | None


class Letters(_Shape):
    """A page of letters, the newest first; `total` and `reasons` are counted over all that fit."""

    letters: list[Letter]
    total: int
    reasons: dict[str, int]
    next: int | None  # what to ask for as `before`; none: that was all
    left_out: int  # older ones that were not looked at


class WholeLetter(Letter):
    """A letter with its bytes: as text where they are text, else in base 64; masked, as text only."""

    stands: str
    where: dict[str, Any]
    header: str | None  # of the file that a row comes from
    whole: bool  # all bytes are kept, not only the first
    text: str | None = None
    base64: str | None = None


class LetterDone(Letter):
    """What was done. `ids`: of the signals or inputs that the letter became."""

    ids: list[str]
