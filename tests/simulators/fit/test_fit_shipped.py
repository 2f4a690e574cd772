"""The candidate that lies beside the policy in force."""

from domain.policy import load
from simulators.fit.worth import set_by_hand
from simulators.fit.write import candidate
from tests.domain.riskworld import POLICY

LEARNT = POLICY.with_name("learnt.toml")


def test_it_differs_from_the_policy_in_force_in_what_was_learnt_and_in_nothing_else() -> None:
    by_hand, learnt = POLICY.read_text("utf-8"), load(LEARNT.read_text("utf-8"))
    rules = learnt.risk
    made = load(candidate(by_hand, set_by_hand(rules), rules.prior, rules.levels, "for a test"))
    assert made.risk.levels != load(by_hand).risk.levels
    told = {"name": made.name, "hash": made.hash, "risk": rules.model_copy(update={"policy": made.hash})}
    assert learnt.model_copy(update=told) == made
