"""The chain of commits: what a journal proves, however its entries lie there."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from domain.consistency.commits import CommitChain, Entry
from schemas.casework.events import Commit

Made = Entry[str]


def commit(first: int, last: int, entries: int = 1, *, log: int = 0, code: str = "a") -> list[Made]:
    """The entries of one commit; its last input made the last of them."""
    made = Commit(first=first, last=last, entries=entries, log=log, code=code)
    offsets = [min(first + number, last) for number in range(entries - 1)] + [last]
    names = [f"{offset}/{number}" for number, offset in enumerate(offsets)]
    return [Entry(made, offset, name, name) for offset, name in zip(offsets, names, strict=True)]


def proven(chain: CommitChain[str], entries: Sequence[Made]) -> list[str]:
    return [item for entry in entries for item in chain.add(entry)]


def test_a_commit_that_follows_without_a_gap_is_proven() -> None:
    chain = CommitChain[str]()
    assert proven(chain, [*commit(0, 1, 2), *commit(2, 4)]) == ["0/0", "1/1", "4/0"]
    assert chain.covered == 4


def test_a_commit_behind_a_gap_proves_nothing() -> None:
    chain = CommitChain[str]()
    assert proven(chain, [*commit(0, 1), *commit(3, 3)]) == ["1/0"]
    assert (chain.covered, chain.gap) == (1, (2, 2))


def test_a_commit_of_which_an_entry_is_missing_proves_nothing() -> None:
    chain = CommitChain[str]()
    assert proven(chain, commit(0, 3, 3)[1:]) == []
    assert chain.covered == -1


def test_entries_may_come_out_of_order_and_again() -> None:
    chain = CommitChain[str]()
    one, two = commit(0, 1, 2), commit(2, 2)
    assert proven(chain, [*two, one[1], one[1], one[0], *two, *one]) == ["0/0", "1/1", "2/0"]


def test_a_batch_that_was_cut_elsewhere_adds_only_what_is_new() -> None:
    chain = CommitChain[str]()
    assert proven(chain, [*commit(0, 1, 2), *commit(0, 3, 4)]) == ["0/0", "1/1", "2/2", "3/3"]
    assert chain.covered == 3


def test_entries_of_a_log_that_was_lost_move_nothing_in_the_new_one() -> None:
    chain = CommitChain[str]()
    proven(chain, commit(0, 70))
    chain.begin_anew(-1, 1)
    assert proven(chain, [*commit(71, 71), *commit(0, 2, log=1)]) == ["2/0"]
    assert chain.covered == 2


def test_a_gap_whose_inputs_no_longer_exist_is_skipped_on_demand() -> None:
    chain = CommitChain[str]()
    proven(chain, [*commit(5, 6), *commit(7, 7)])
    assert chain.gap == (0, 4)
    assert chain.skip() == ["6/0", "7/0"]
    assert chain.covered == 7
    assert chain.gap is None


def test_a_repetition_by_other_code_is_reported() -> None:
    chain = CommitChain[str]()
    proven(chain, [*commit(0, 0), *commit(0, 0, code="b"), *commit(0, 0)])
    assert chain.differing == [("0/0", "0/0")]


def test_a_repetition_by_other_code_is_reported_although_a_part_of_its_commit_never_came() -> None:
    chain = CommitChain[str]()
    proven(chain, [*commit(0, 3, 4)[:2], *commit(0, 2, 3, code="b")])
    assert chain.differing == []
    proven(chain, commit(3, 5, code="b"))
    assert chain.differing == [("0/0", "0/0"), ("1/1", "1/1")]


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[list[Made]], list[Made]]:
    """Commits without a gap, and a journal of them: some entries missing, others twice, near their order."""
    commits, first = [], 0
    for length in draw(st.lists(st.integers(1, 3), min_size=1, max_size=8)):
        commits.append(commit(first, first + length - 1, draw(st.integers(1, 3))))
        first += length
    entries = [entry for each in commits for entry in each if draw(st.integers(0, 9)) > 0]
    again = draw(st.lists(st.sampled_from(entries), max_size=5)) if entries else []
    return commits, draw(st.permutations([*entries, *again]))


@given(logs())
def test_nothing_is_proven_but_whole_commits_from_the_beginning_on_in_their_order(
    drawn: tuple[list[list[Made]], list[Made]],
) -> None:
    commits, journal = drawn
    chain = CommitChain[str]()
    found = proven(chain, journal)
    expected: list[str] = []
    for each in commits:
        if not all(entry in journal for entry in each):
            break
        expected += [entry.item for entry in each]
    assert found == expected


INPUTS = 8


def decided(first: int, last: int, changes: Sequence[int]) -> list[Made]:
    """The entries of a commit of these inputs. `changes`: by input, how many cases it changes; those of none are in one
    common entry.
    """
    inputs = range(first, last + 1)
    told = [(offset, f"{offset}/{number}") for offset in inputs for number in range(changes[offset])]
    if unchanged := [str(offset) for offset in inputs if not changes[offset]]:
        told.append((last, f"unchanged {' '.join(unchanged)}"))
    made = Commit(first=first, last=last, entries=len(told))
    return [Entry(made, offset, name, name) for offset, name in told]


@st.composite
def cut_again(draw: st.DrawFn) -> tuple[list[int], list[list[Made]], list[Made]]:
    """How many cases each input changes; commits of any of these inputs, as of primaries that were replaced by others
    without the last commits; and a journal of them in any order, without some of the entries.
    """
    changes = draw(st.lists(st.integers(0, 2), min_size=INPUTS, max_size=INPUTS))
    ranges = st.tuples(st.integers(0, INPUTS - 1), st.integers(0, INPUTS - 1)).filter(lambda each: each[0] <= each[1])
    commits = [decided(*each, changes) for each in draw(st.lists(ranges, min_size=1, max_size=8, unique=True))]
    entries = [entry for each in commits for entry in each if draw(st.integers(0, 9)) > 0]
    return changes, commits, draw(st.permutations(entries))


@given(cut_again())
def test_inputs_that_were_decided_again_in_other_batches_are_proven_once_each(
    drawn: tuple[list[int], list[list[Made]], list[Made]],
) -> None:
    changes, commits, journal = drawn
    chain = CommitChain[str]()
    found = proven(chain, journal)
    whole = [each[0].commit for each in commits if all(entry in journal for entry in each)]
    covered = -1
    while (last := max((each.last for each in whole if each.first <= covered + 1), default=covered)) > covered:
        covered = last
    assert chain.covered == covered
    of_cases = [name for name in found if not name.startswith("unchanged")]
    assert of_cases == [f"{n}/{number}" for n in range(covered + 1) for number in range(changes[n])]
    unchanged = {name for each in found if each.startswith("unchanged") for name in each.split()[1:]}
    assert {str(offset) for offset in range(covered + 1) if not changes[offset]} <= unchanged
