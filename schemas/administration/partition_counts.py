"""The topic `partition-count`: how many partitions the installation has, and how far a change of their number is."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.base import Model, When
from schemas.casework.inputs import Hold

PartitionNumber = Annotated[int, Field(ge=1, le=10_000)]
_Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class GrowthPhase(StrEnum):
    """How far a growth is.

    `copying`: the topics are as before, and copies of them are made: it can be taken back. `switched`: all copies are
    complete, and the topics are made anew from them: it can only be finished. `complete`: all topics and keys are in
    their new places, and the copies are being deleted.
    """

    COPYING = "copying"
    SWITCHED = "switched"
    COMPLETE = "complete"


class CopiedTopic(Model):
    """A topic's verified copy.

    `records`: their number in each new partition. `digest`: of the sequence of records in each new partition. `ends`:
    the offsets at which the topic's old partitions ended when they were read.
    """

    records: list[int]
    digest: _Hex
    ends: list[int]


class CopiedJournal(CopiedTopic):
    """The journal's verified copy.

    `residents`: the number of residents with a case; `fold`: a sum over their cases' events, in which the order within
    a resident counts. `left_out`: entries that were not copied because the journal repeats them, or because they prove
    nothing. `log`: the number of the old partitions' logs of inputs. `policy`, `holds`: the rules in force in all
    partitions.
    """

    residents: int
    fold: _Hex
    left_out: int
    log: int
    policy: str
    holds: list[Hold]


class Growth(Model):
    """A change of the number of partitions that is under way.

    `to`: the number after it; `at`: when it began. `configured`: the settings of the topics that are made anew, by
    topic. `copied`: the finished copies, by topic; `journal`: that of the journal. `inputs`: how far case-inputs was
    applied before, by old partition: the offset after the last applied input. `groups`: the consumer groups that follow
    the journal. `filled`: the topics that were made anew and are complete; `covered`: the offsets after the inputs that
    the new journal proves, by new partition; `keys_moved`: whether Redis' keys are in their new places.
    """

    to: PartitionNumber
    at: When
    phase: GrowthPhase = GrowthPhase.COPYING
    configured: dict[str, dict[str, str]] = Field(default_factory=dict)
    copied: dict[str, CopiedTopic] = Field(default_factory=dict)
    journal: CopiedJournal | None = None
    inputs: list[int] = Field(default_factory=list)
    groups: list[str] = Field(default_factory=list)
    filled: list[str] = Field(default_factory=list)
    covered: list[int] = Field(default_factory=list)
    keys_moved: bool = False


class PartitionCount(Model):
    """The number of partitions in force. `growth`: the change that is under way; None if there is none.

    The latest record on the topic counts. Without a record, the number never changed.
    """

    partitions: PartitionNumber
    growth: Growth | None = None
