"""The chain of commits in a partition's journal: which inputs are proven to be applied.

A commit covers a range of inputs and makes one or more journal entries. It is proven once all its entries are found.
The chain accepts a commit only if it continues the inputs covered so far without a gap. Entries behind a gap, or of an
incomplete commit, prove nothing: their inputs must be read and decided again.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from schemas.casework.journal import AnyCommit

REMEMBERED = 1_000  # accepted entries with which repeated entries are compared

T = TypeVar("T")


class Entry(NamedTuple, Generic[T]):
    """A journal entry as the chain handles it. `item`: any object of the caller, which the chain returns once it is
    proven.

    `commit`: the commit to which the entry belongs. `offset`: the offset of its input. `name`: unique within the
    commit.
    """

    commit: AnyCommit
    offset: int
    name: str
    item: T


@dataclass(slots=True)
class CommitChain(Generic[T]):
    """Collects entries into commits, in the order of their inputs.

    `covered`: the offset of the last input that is proven to be applied; -1: none. `log`: how many case-inputs topics
    were lost before the present one. `differing`: pairs of items for one entry that different versions of the code
    made, the first one first.
    """

    covered: int = -1
    log: int = 0
    differing: list[tuple[T, T]] = field(default_factory=list)
    _waiting: dict[AnyCommit, dict[str, Entry[T]]] = field(default_factory=dict)
    _recent: OrderedDict[str, Entry[T]] = field(default_factory=OrderedDict)

    def add(self, entry: Entry[T]) -> list[T]:
        """Add an entry, and return the items that it proves to be applied, sorted by the offset of their inputs and
        then by name; often none.

        An entry of another log, or of inputs that are covered, returns no items: it is only compared with the accepted
        entry of its name, and a difference between versions of the code is added to `differing`.
        """
        commit = entry.commit
        if commit.log != self.log or commit.last <= self.covered:
            self._compare(entry)
            return []
        if commit.entries == 1 and commit.first == self.covered + 1 and not self._waiting:
            self.covered = commit.last  # most commits of a quiet line: nothing to be put together
            self._remember(entry)
            return [entry.item]
        found = self._waiting.setdefault(commit, {})
        found[entry.name] = entry
        return self._proven() if len(found) >= commit.entries else []

    def begin_anew(self, covered: int, log: int) -> None:
        """Continue on a newly created case-inputs topic: drop the waiting entries, and set `covered` and `log`.

        `covered`: the offset before the topic's first record. `log`: the number of the topic. No effect unless `log` is
        higher than the present one.
        """
        if log > self.log:
            self.covered, self.log = covered, log
            self._waiting.clear()

    @property
    def gap(self) -> tuple[int, int] | None:
        """(first, last) offset, both inclusive, of the inputs that are missing before the first waiting commit; None if
        none are missing.
        """
        behind = [commit.first for commit in self._waiting if commit.first > self.covered + 1]
        return (self.covered + 1, min(behind) - 1) if behind else None

    @property
    def waiting(self) -> int:
        """The number of entries that are not proven yet, because an entry of their commit or an earlier commit is
        missing.
        """
        return sum(map(len, self._waiting.values()))

    def skip(self) -> list[T]:
        """Treat the inputs of the gap as covered, because they no longer exist. Return the items that are then proven,
        in the order of their inputs. Without a gap, nothing changes and the list is empty.
        """
        if (gap := self.gap) is None:
            return []
        self.covered = gap[1]
        return self._proven()

    def _proven(self) -> list[T]:
        proven: list[T] = []
        while (commit := self._next()) is not None:
            proven += self._accept(commit)
        return proven

    def _next(self) -> AnyCommit | None:
        """Return a complete commit that continues the chain, or None."""
        fitting = (
            commit
            for commit, entries in self._waiting.items()
            if commit.first <= self.covered + 1 and len(entries) == commit.entries
        )
        return next(fitting, None)

    def _accept(self, commit: AnyCommit) -> list[T]:
        """Accept a commit, and return its items that are not covered yet: another worker may have split its batch
        differently. Drops the waiting commits whose inputs are then covered: parts of commits that a Redis has lost.
        """
        before, self.covered = self.covered, commit.last
        repeated = list(self._waiting.pop(commit).values())
        entries = [entry for entry in repeated if entry.offset > before]
        entries.sort(key=lambda entry: (entry.offset, entry.name))
        for entry in entries:
            self._remember(entry)
        for other in [each for each in self._waiting if each.last <= self.covered]:
            repeated += self._waiting.pop(other).values()
        for entry in repeated:
            self._compare(entry)
        return [entry.item for entry in entries]

    def _remember(self, entry: Entry[T]) -> None:
        self._recent[entry.name] = entry
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)

    def _compare(self, entry: Entry[T]) -> None:
        known = self._recent.get(entry.name)
        if known and known.commit.log == entry.commit.log and known.commit.code != entry.commit.code:
            self.differing.append((known.item, entry.item))
