"""What rounds are drawn."""

from collections import Counter

from tests.tools.chaos.faults import KINDS
from tests.tools.chaos.plan import DRAWN, drawn, rarest


def test_of_as_many_rounds_as_there_are_kinds_each_has_one_of_them() -> None:
    rounds = [{stroke.kind for stroke in drawn(seed).strokes} for seed in range(len(DRAWN))]
    assert set().union(*rounds) == {fault.kind for fault in DRAWN}


def test_a_fault_that_is_asked_for_strikes_alone_where_it_can() -> None:
    for kind, fault in KINDS.items():
        plan = drawn(1, [kind])
        assert [stroke.kind for stroke in plan.strokes] == [kind]
        assert plan.house in fault.houses


def test_what_strikes_the_vault_has_one() -> None:
    assert all(drawn(seed, ["vault_lost_keys"]).sealed for seed in range(20))


def test_rounds_of_the_rarest_faults_come_to_each_as_often_as_is_asked_and_end() -> None:
    struck: Counter[str] = Counter(broker_killed=3)
    rounds = 0
    while kinds := rarest(struck, 3, rounds):
        plan = drawn(rounds, kinds)
        assert {stroke.kind for stroke in plan.strokes} == set(kinds)
        assert all(plan.house in KINDS[kind].houses for kind in kinds)
        struck.update(kinds)
        rounds += 1
    assert {struck[fault.kind] for fault in DRAWN} == {3}
    assert rounds <= len(DRAWN)
