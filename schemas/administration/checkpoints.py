"""Records of the topic checkpoints: the state of a partition's store in parts, and the head that completes them."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Model, When
from schemas.casework.cases import Case
from schemas.casework.events import Offset
from schemas.casework.inputs import Hold

FORMAT = 1
"""The number of the format of checkpoints: another one is not read."""


class CheckpointSlot(StrEnum):
    """A partition's checkpoints are written to two places by turns, so that the last complete one stays while the next
    is written.
    """

    FIRST = "a"
    SECOND = "b"


class CheckpointHead(Model):
    """States that all parts of a checkpoint are written, and where: the state of a partition's store at one input.

    `generation`: a random id of this checkpoint; `first`, `last`: the offsets between which its parts are on the topic;
    `parts`: their number. `offset`: of the last input applied, on the case-inputs topic with the id `inputs` ("":
    unknown), before which `log` others were lost. `journal`: later commits are on the journal after this offset;
    `entry`: a summary of the journal's entry there (see streams/casework/checkpoints/heads.py); `events`: the id of the
    journal's topic. `run`: the Redis server that was read; `cases`: the number of residents with a case; `recent`: the
    ids of the latest changed cases, with the times in ms since 1970.
    """

    kind: Literal["head"] = "head"
    format: int = FORMAT
    generation: str
    slot: CheckpointSlot
    partition: Annotated[int, Field(ge=0)]
    partitions: Annotated[int, Field(ge=1)]
    at: When
    first: Offset
    last: Offset
    parts: Annotated[int, Field(ge=0)]
    offset: Offset
    log: Annotated[int, Field(ge=0)] = 0
    inputs: str = ""
    journal: Offset
    entry: str
    events: str = ""
    run: str
    policy: str
    holds: list[Hold] = Field(default_factory=list)
    cases: Annotated[int, Field(ge=0)]
    recent: dict[str, int] = Field(default_factory=dict)


class CheckpointCase(Model):
    """A part: a case as the store has it. `latest`: True if it is its resident's latest case; `settled`: when the
    resident was last dissuaded or cleared, in ISO format, None if never.
    """

    kind: Literal["case"] = "case"
    generation: str
    number: int
    resident: str
    latest: bool
    settled: str | None = None
    case: Case


class CheckpointApplied(Model):
    """A part: ids of applied inputs, with the inputs' times in ms since 1970."""

    kind: Literal["applied"] = "applied"
    generation: str
    number: int
    inputs: dict[str, int]


class CheckpointSums(Model):
    """A part: fields of one of the store's hashes of numbers. `of`: the hash's name in Redis."""

    kind: Literal["sums"] = "sums"
    generation: str
    number: int
    of: Literal["counts", "ledger", "books", "raised"]
    sums: dict[str, int]


CheckpointPart = Annotated[CheckpointCase | CheckpointApplied | CheckpointSums, Field(discriminator="kind")]
