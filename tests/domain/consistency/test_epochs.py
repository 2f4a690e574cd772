"""Two workers never act under two epochs at one moment, however slow the log is and however their clocks run."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.consistency.epochs import (
    SETTLE_SECONDS,
    VALID_SECONDS,
    Belief,
    Confirmation,
    Entry,
    Epoch,
    Sentinels,
    Server,
    abandoned,
    proposal,
)

ONE, TWO = "aaaa/1111", "bbbb/2222"


def test_the_first_of_two_epochs_of_one_number_counts() -> None:
    belief = Belief().read(Epoch(1, ONE), 0).read(Epoch(1, TWO), 0)
    assert belief.epoch == Epoch(1, ONE)


def test_an_epoch_that_leaves_a_number_out_does_not_count() -> None:
    assert Belief().read(Epoch(2, ONE), 0).epoch == Epoch()


def test_nobody_acts_under_a_new_epoch_before_the_old_one_is_forgotten() -> None:
    belief = Belief().read(Epoch(1, ONE), 10).confirmed(10 + SETTLE_SECONDS)
    assert belief.run(10 + SETTLE_SECONDS - 0.01) is None
    assert belief.run(10 + SETTLE_SECONDS) == ONE


def test_a_worker_that_cannot_confirm_its_epoch_acts_no_more() -> None:
    belief = Belief().read(Epoch(1, ONE), 0).read(Confirmation(1, settled=True), 0).confirmed(5)
    assert belief.run(5 + VALID_SECONDS - 0.01) == ONE
    assert belief.run(5 + VALID_SECONDS) is None


def test_a_worker_that_starts_under_a_settled_epoch_need_not_wait() -> None:
    assert Belief().read(Epoch(1, ONE), 0).read(Confirmation(1, settled=True), 0).confirmed(0).run(0) == ONE


def test_a_confirmation_of_the_epoch_before_settles_nothing() -> None:
    belief = Belief().read(Epoch(1, ONE), 0).read(Epoch(2, TWO), 0).read(Confirmation(1, settled=True), 0)
    assert belief.confirmed(0).run(0) is None


def test_without_sentinels_the_one_server_is_proposed() -> None:
    assert proposal(Epoch(3, ONE), Server(TWO, "r:6379", leads=True), None) == Epoch(4, TWO)


def test_the_server_that_the_epoch_names_is_not_proposed_again() -> None:
    assert proposal(Epoch(3, ONE), Server(ONE, "r:6379", leads=True), None) is None


def test_a_replica_is_proposed_by_nobody() -> None:
    assert proposal(Epoch(3, ONE), Server(TWO, "r:6379", leads=False), None) is None


@pytest.mark.parametrize(
    ("sentinels", "number"),
    [
        (Sentinels(3, 3, "r:1", 3), 4),
        (Sentinels(3, 2, "r:1", 2), 4),
        (Sentinels(3, 1, "r:1", 1), None),  # cut off with the primary that the others have replaced
        (Sentinels(3, 3, "r:1", 1), None),
        (Sentinels(3, 3, "r:2", 3), None),
        (Sentinels(3, 0, "", 0), None),
        (Sentinels(1, 1, "r:1", 1), 4),
    ],
)
def test_only_the_primary_that_most_of_all_sentinels_name_is_proposed(sentinels: Sentinels, number: int | None) -> None:
    found = proposal(Epoch(3, ONE), Server(TWO, "r:1", leads=True), sentinels)
    assert (found.number if found else None) == number


def test_a_worker_on_the_primary_that_was_replaced_looks_for_the_new_one() -> None:
    others = Sentinels(3, 3, "r:2", 3)
    assert abandoned(Epoch(3, TWO), Server(ONE, "r:1", leads=True), others)
    assert not abandoned(Epoch(3, ONE), Server(ONE, "r:1", leads=True), others)
    assert not abandoned(Epoch(3, TWO), Server(ONE, "r:2", leads=True), others)


SERVERS, MEMBERS = ("r:1", "r:2"), st.integers(1, 7)


@given(st.data(), MEMBERS)
def test_at_one_moment_workers_propose_one_server_however_many_sentinels_each_of_them_reaches(
    data: st.DataObject, members: int
) -> None:
    names = data.draw(st.lists(st.sampled_from(SERVERS), min_size=members, max_size=members))
    proposed = set()
    for address in SERVERS:
        seen = data.draw(st.sets(st.sampled_from(range(members))))
        said = [names[each] for each in seen]
        most = max(said, key=said.count, default="")
        view = Sentinels(members, len(said), most, said.count(most))
        if made := proposal(Epoch(3, "x/y"), Server(address, address, leads=True), view):
            proposed.add(made.run)
    assert len(proposed) <= 1


@dataclass
class Worker:
    """One worker: its clock runs at `rate` of the true time, and its record lies on the log at `mine`."""

    rate: float
    belief: Belief = field(default_factory=Belief)
    read: int = 0  # entries of the log
    began: float = 0.0
    mine: int | None = None  # where on the log the confirmation lies that it has under way
    pending: Confirmation | None = None  # written, and not on the log yet

    def now(self, time: float) -> float:
        return time * self.rate


class Epochs(RuleBasedStateMachine):
    """Workers confirm and propose in any order; writes and reads take any time."""

    @initialize(rates=st.lists(st.floats(0.95, 1.05), min_size=2, max_size=3))
    def begin(self, rates: list[float]) -> None:
        self.time, self.log = 0.0, list[Entry]()
        self.workers = [Worker(rate) for rate in rates]

    @rule(seconds=st.floats(0, 2))
    def wait(self, seconds: float) -> None:
        self.time += seconds

    @rule(who=st.integers(0, 2))
    def write(self, who: int) -> None:
        worker = self.workers[who % len(self.workers)]
        if worker.pending is None and worker.mine is None:
            worker.began = worker.now(self.time)
            worker.pending = worker.belief.confirmation(worker.began)

    @rule(who=st.integers(0, 2))
    def arrive(self, who: int) -> None:
        worker = self.workers[who % len(self.workers)]
        if worker.pending is not None:
            worker.mine, worker.pending = len(self.log), None
            self.log.append(Confirmation(worker.belief.epoch.number, settled=False))

    @rule(who=st.integers(0, 2))
    def arrive_as_written(self, who: int) -> None:
        worker = self.workers[who % len(self.workers)]
        if worker.pending is not None:
            worker.mine, pending, worker.pending = len(self.log), worker.pending, None
            self.log.append(pending)

    @rule(who=st.integers(0, 2))
    def hear(self, who: int) -> None:
        worker = self.workers[who % len(self.workers)]
        if worker.mine is not None:
            for entry in self.log[worker.read : worker.mine + 1]:
                worker.belief = worker.belief.read(entry, worker.now(self.time))
            worker.read, worker.mine = worker.mine + 1, None
            worker.belief = worker.belief.confirmed(worker.began)

    @rule(who=st.integers(0, 2), run=st.sampled_from(["a/a", "b/b", "c/c"]))
    def propose(self, who: int, run: str) -> None:
        worker = self.workers[who % len(self.workers)]
        if (made := proposal(worker.belief.epoch, Server(run, "r", leads=True), None)) is not None:
            self.log.append(made)

    @precondition(lambda self: len(self.workers) < 4)
    @rule()
    def start_another(self) -> None:
        self.workers.append(Worker(1.0))

    @rule(who=st.integers(0, 2))
    def run_whole(self, who: int) -> None:
        """A worker that confirms without a delay: it acts most of the time."""
        for step in (self.write, self.arrive_as_written, self.hear):
            step(who)

    @invariant()
    def one_leads(self) -> None:
        if hasattr(self, "workers"):
            found = {(w.belief.epoch.number, run) for w in self.workers if (run := w.belief.run(w.now(self.time)))}
            assert len(found) <= 1, found


TestEpochs = Epochs.TestCase
