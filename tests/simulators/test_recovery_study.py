"""The study of second losses: one seed's province twice, and what its report says of several."""

import pytest

from domain.policy import load
from simulators.studies import recovery
from simulators.studies.recovery import SHIELDED, UNSHIELDED, Again
from tests.domain.builders import policy, policy_text


def test_the_policy_without_its_shield_differs_in_nothing_else() -> None:
    bare = recovery.without_shield(policy())
    assert (bare.shield, bare.risk.shield) == (None, None)
    assert bare.plan == policy().plan
    assert load(policy_text()).shield is not None


def test_a_seed_has_the_same_province_with_and_without_the_shield(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "STORIES", 24)
    found = recovery.of_seed(3, policy_text())
    assert found == recovery.of_seed(3, policy_text()), "the same seed gives the same figures"
    assert found[UNSHIELDED].calls == 0
    assert found[SHIELDED].calls > 0
    for run in found.values():
        assert 0 < run.lost <= 24
        assert run.again <= run.lost
        assert (run.again_fen > 0) == (run.again > 0)


def test_the_report_sums_the_seeds_and_compares_them_pairwise() -> None:
    found = {
        1: {SHIELDED: Again(10, 2, 500, 9, 80), UNSHIELDED: Again(10, 4, 900, 0, 70)},
        2: {SHIELDED: Again(10, 3, 100, 9, 80), UNSHIELDED: Again(10, 5, 300, 0, 70)},
    }
    told = recovery.report(found)
    assert (told[SHIELDED]["losses"], told[SHIELDED]["again"], told[SHIELDED]["share"]) == (20, 5, 0.25)
    assert (told[UNSHIELDED]["again_fen"], told[UNSHIELDED]["calls"], told[UNSHIELDED]["contacts"]) == (1200, 0, 140)
    assert told["difference"] == {"mean": pytest.approx(-0.2), "low": pytest.approx(-0.2), "high": pytest.approx(-0.2)}
    assert told["by_seed"]["2"][SHIELDED]["again_fen"] == 100
