"""The policy in force is the one set by hand, with weights learnt in place of its own."""

from domain.policy import load
from simulators.fit.worth import set_by_hand
from simulators.fit.write import candidate
from tests.domain.risk.riskworld import POLICY

BY_HAND = POLICY.with_name("by-hand.toml")


def test_it_differs_from_the_one_set_by_hand_in_what_was_learnt_and_in_nothing_else() -> None:
    by_hand, learnt = BY_HAND.read_text("utf-8"), load(POLICY.read_text("utf-8"))
    rules, kept = learnt.risk, load(by_hand).risk
    assert (rules.prior, rules.levels) == (kept.prior, kept.levels)
    made = load(candidate(by_hand, set_by_hand(rules), kept.prior, kept.levels, "for a test"))
    assert set_by_hand(made.risk) != set_by_hand(kept)
    told = {"name": made.name, "hash": made.hash, "risk": rules.model_copy(update={"policy": made.hash})}
    assert learnt.model_copy(update=told) == made
