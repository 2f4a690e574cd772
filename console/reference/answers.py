"""Models of intake's HTTP answers, used for its OpenAPI description only."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from domain.feeds.dead_letters import State
from schemas.base import When
from streams.intake.acceptor import Fault


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Accepted(_Shape):
    """Kafka has stored all signals. `accepted`: their number; `ids`: their ids in the order of the request."""

    accepted: int
    ids: list[str]


class Faulty(Accepted):
    """The items in `errors` were refused; all other items were accepted."""

    errors: list[Fault]


class Invalid(_Shape):
    """Nothing of the request was processed, because of the items in `errors`."""

    errors: list[Fault]


class Counted(_Shape):
    """The abandoned payment is counted. `counted`: False if it had already been counted."""

    counted: bool


class Refusal(_Shape):
    """An error. `error`: what is wrong; `do`: what the sender can do."""

    error: str
    do: str


class Alive(_Shape):
    """The process runs."""

    status: Literal["ok"]


class Ready(_Shape):
    """The answer to a readiness check. `status`: "ready" if signals would be accepted now, else the reason why not."""

    status: Literal["ready", "draining", "Kafka is away"]


class Taken(_Shape):
    """A receipt was accepted. `input`: the id of the case input made from it; a receipt that is sent again gives the
    same id. None for a message or call to an officer, which makes no input.
    """

    input: str | None


class NotesTaken(_Shape):
    """`inputs`: the ids of the notes that follow from a report, none if it only shows."""

    inputs: list[str]


class StateTaken(_Shape):
    """`taken`: False if a later state of the call was known."""

    taken: bool


class PartTaken(_Shape):
    """`part`: the number of the part that was stored."""

    part: int


class NotTaken(_Shape):
    """The answer to a refused receipt. `reason`: why, as an English sentence; `do`: what the sender can do, if the
    reason does not say it.
    """

    reason: str
    do: str = ""


class Done(_Shape):
    """The latest act on a dead letter: when, by whom and why."""

    at: When
    by: str
    reason: str
    detail: str
    token: str | None  # the API token through which a program did it
    link: dict[str, Any] | None  # the entry's place in an audit chain


class Letter(_Shape):
    """A dead letter without its bytes. `topic`: the topic it comes from, or `file` for a row of a file.

    `size`: the number of its bytes. `act`: the latest act on it, or null.
    """

    id: str
    source: str
    topic: str
    at: When
    why: str
    size: int
    state: State
    act: Done | None


class Letters(_Shape):
    """A page of dead letters, the newest first; `total` and `reasons` count all matching letters."""

    letters: list[Letter]
    total: int
    reasons: dict[str, int]
    next: int | None  # the value of `before` for the next page; null on the last page
    left_out: int  # number of older letters that were not read


class WholeLetter(Letter):
    """A dead letter with its bytes: in `text` if they are text, else in `base64`; if masked, only in `text`."""

    stands: str  # its state as an English sentence
    where: dict[str, Any]
    header: str | None  # the header line of a row's file
    whole: bool  # all bytes are stored, not only the first ones
    text: str | None = None
    base64: str | None = None


class LetterDone(Letter):
    """A dead letter after an act. `ids`: the ids of the signals or inputs made from it."""

    ids: list[str]
