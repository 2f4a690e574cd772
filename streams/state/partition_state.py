"""What a partition's store says of itself: its offsets, the run that wrote it, and what a batch is decided on."""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from schemas.casework.cases import Case
from schemas.errors import UserError
from streams.state.store_update import PartitionRules


@dataclass(frozen=True, slots=True)
class Stand:
    """A partition's state in the Redis that answers.

    `offset`: of the last applied input; None: its store was lost. `journal`: a journal offset, -1 if unknown: commits
    that this Redis may have lost are published after it. `run`: the run of the Redis that made the last commit, None if
    there was none; `asked`: the run of the Redis that answers (see server_identity.py). `logs`: how many case-inputs
    topics were lost before the one that the partition follows.
    """

    offset: int | None
    journal: int
    run: str | None
    asked: str
    logs: int = 0

    @property
    def older(self) -> bool:
        """True if its latest commits may be missing, because the Redis that answers is not the one that made the last
        commit. False if the store is lost.
        """
        return self.offset is not None and self.run != self.asked


@dataclass(frozen=True, slots=True)
class Loaded:
    """The state on which a batch of inputs is decided.

    `standing`: the partition's rules and offset; `cases`: resident -> their latest case; `applied`: which of the
    batch's input ids were applied before. `unpublished`: the outbox still has entries of an earlier commit. `end`: the
    offset after the last input that the store must have, as noted at its recovery; 0 without one.
    """

    standing: PartitionRules
    cases: dict[str, Case]
    applied: set[str]
    unpublished: bool = False
    end: int = 0

    @property
    def offset(self) -> int:
        """The offset of the last input that the store has applied; -1 if none was."""
        return self.standing.offset

    @property
    def whole(self) -> bool:
        """True if the store has all inputs up to `end`."""
        return self.offset >= self.end - 1


class MoneySums(NamedTuple):
    """Sums of money over several partitions, in fen, except that some sums are numbers of cases.

    `totals`: by the name of a field of domain.payments.ledger.Totals, such as "kept_a". `books`: by period and line,
    for days, months and years, such as "2026-03-05|frozen" or "2026|frozen". `stands`: by partition, the offset of the
    last input that was applied to the store; None if the store is lost.
    """

    totals: Counter[str]
    books: Counter[str]
    stands: dict[int, int | None]


class AheadError(UserError, RuntimeError):
    """The stored offset is beyond the end of the topic: the topic was created anew, or lost records."""


WHERE = ("offset", "end", "run")  # the fields of a partition's state that `is_whole` takes


def is_whole(asked: str, offset: bytes | None, end: bytes | None, run: bytes | None) -> bool:
    """Return True if a partition's store is complete and was written by the Redis that answers now.

    `asked`: the run (identity) of the Redis that answers. The stored fields, None if missing: `run`: of the Redis that
    wrote the store; `offset`: of the last input applied; `end`: the store must have all inputs before this offset.
    False if `offset` or `run` is missing, if `run` differs from `asked`, or if inputs before `end` are missing; without
    `end`, none count as missing.
    """
    return offset is not None and int(offset) >= int(end or 0) - 1 and run is not None and run.decode() == asked
