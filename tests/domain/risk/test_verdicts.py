"""Verdicts of several vendors about a number: weights, expiry and disagreement."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policy.risk import Verdicts
from domain.risk.evidence import Role, SignalContext, evidence_of
from domain.risk.verdicts import combined_verdict, rated_subject, rated_subjects
from domain.risk.weigh import Scene, bits, evidence_bits
from schemas.levels import Level
from schemas.risk.evidence import Evidence, EvidenceKind, WatchEntry, WatchStatus
from schemas.risk.signals import Call, NumberClass, NumberVerdict, Sms, Transfer
from tests.domain.risk.riskworld import NOW, PAYEE, RULES, call, level, minutes_ago, profile, sms, transfer

PHONE = "phone:p0"
VENDORS = Verdicts(vendors={"numbers-x": 0.6, "numbers-y": 0.5, "numbers-z": 0.9}, least=0.3)
SCAM, NUISANCE, CLEAN = NumberVerdict.SCAM, NumberVerdict.NUISANCE, NumberVerdict.CLEAN


def verdict(vendor: str, said: NumberVerdict = SCAM, days: float = 30, ago: float = 60) -> WatchEntry:
    at = minutes_ago(ago)
    subject = rated_subject(PHONE, vendor)
    return WatchEntry(subject=subject, standing=WatchStatus.RATED, at=at, verdict=said, until=at + timedelta(days=days))


def share(*entries: WatchEntry, rules: Verdicts = VENDORS) -> float:
    return combined_verdict(entries, rules, NOW)


def evidence(
    signal: Call | Sms | Transfer, *rated: WatchEntry, watch: WatchEntry | None = None, role: Role = Role.CALLED
) -> list[Evidence]:
    rules = RULES.model_copy(update={"verdicts": VENDORS})
    return evidence_of(signal, SignalContext("signals", 0, 0, role, PAYEE, watch, rated), rules)


def worth(members: list[Evidence]) -> float:
    return evidence_bits(Scene(tuple(members), profile(), RULES, NOW, None))


def test_one_vendor_gives_the_share_by_which_it_is_believed() -> None:
    assert share(verdict("numbers-x")) == pytest.approx(0.6)


def test_vendors_who_agree_strengthen_each_other_and_never_reach_certainty() -> None:
    assert share(verdict("numbers-x"), verdict("numbers-y")) == pytest.approx(0.8)
    assert share(*map(verdict, VENDORS.vendors)) == pytest.approx(0.98)


def test_a_vendor_who_says_clean_takes_away_its_weight() -> None:
    assert share(verdict("numbers-z"), verdict("numbers-y", CLEAN)) == pytest.approx(0.45)
    assert share(verdict("numbers-y"), verdict("numbers-z", CLEAN)) == 0  # 0.05: below the least
    assert share(verdict("numbers-z", CLEAN)) == 0


def test_nuisance_counts_a_fraction_of_a_scam() -> None:
    rules = VENDORS.model_copy(update={"nuisance": 0.5})
    assert share(verdict("numbers-x", NUISANCE), rules=rules) == pytest.approx(0.3)
    assert share(verdict("numbers-x", NUISANCE)) == 0


def test_a_verdict_counts_until_it_expires_and_never_longer_than_the_policy_says() -> None:
    assert share(verdict("numbers-x", days=2, ago=2 * 24 * 60 - 1)) > 0
    assert share(verdict("numbers-x", days=2, ago=2 * 24 * 60)) == 0
    assert share(verdict("numbers-x", days=4_000, ago=90 * 24 * 60 - 1)) > 0
    assert share(verdict("numbers-x", days=4_000, ago=90 * 24 * 60)) == 0


def test_a_vendor_that_the_policy_does_not_name_does_not_count() -> None:
    assert share(verdict("numbers-w")) == 0
    assert share() == 0
    assert combined_verdict([verdict("numbers-x")], Verdicts(), NOW) == 0


verdicts = st.lists(
    st.builds(
        verdict,
        st.sampled_from([*VENDORS.vendors, "numbers-w"]),
        st.sampled_from(NumberVerdict),
        st.floats(0.01, 400),
        st.floats(0, 600_000),
    ),
    max_size=6,
    unique_by=lambda entry: entry.subject,
)
ANY = VENDORS.model_copy(update={"least": 1e-9})


@given(verdicts, st.randoms())
def test_the_order_of_verdicts_does_not_matter_and_the_share_is_a_fraction(
    entries: list[WatchEntry], chance: Random
) -> None:
    mixed = list(entries)
    chance.shuffle(mixed)
    assert share(*entries, rules=ANY) == share(*mixed, rules=ANY)
    assert 0 <= share(*entries, rules=ANY) <= 1


@given(verdicts, st.sampled_from(sorted(VENDORS.vendors)))
def test_one_more_scam_verdict_never_lowers_the_share_and_one_more_clean_never_raises_it(
    entries: list[WatchEntry], vendor: str
) -> None:
    others = [each for each in entries if each.subject != rated_subject(PHONE, vendor)]
    before = share(*others, rules=ANY)
    assert share(*others, verdict(vendor), rules=ANY) >= before - 1e-12
    assert share(*others, verdict(vendor, CLEAN), rules=ANY) <= before + 1e-12


def test_telephone_numbers_and_accounts_are_rated_and_links_are_not_looked_up() -> None:
    assert rated_subjects(PHONE, VENDORS) == [f"{PHONE}@{vendor}" for vendor in VENDORS.vendors]
    assert rated_subjects("account:a0", VENDORS) == [f"account:a0@{vendor}" for vendor in VENDORS.vendors]
    assert rated_subjects("link:l0", VENDORS) == []
    assert rated_subjects(None, VENDORS) == []
    assert rated_subjects(PHONE, Verdicts()) == []


def test_a_call_from_a_rated_number_is_evidence_with_the_share_of_its_weight() -> None:
    ordinary = call(kind=NumberClass.ORDINARY)
    (found,) = evidence(ordinary, verdict("numbers-x"), verdict("numbers-y"))
    assert found.kind is EvidenceKind.RATED_CALLER
    assert found.share == pytest.approx(0.8)
    scene = Scene((found,), profile(), RULES, NOW, None)
    whole = Scene((found.model_copy(update={"share": None}),), profile(), RULES, NOW, None)
    assert bits(found, scene) == pytest.approx(0.8 * bits(whole.members[0], whole))
    assert evidence(ordinary) == []
    assert evidence(ordinary, verdict("numbers-x", NUISANCE)) == []


def test_the_more_vendors_rate_a_caller_the_graver_is_the_call() -> None:
    ongoing = call(kind=NumberClass.ORDINARY, ongoing=True)
    one, two = evidence(ongoing, verdict("numbers-y")), evidence(ongoing, *map(verdict, VENDORS.vendors))
    assert worth(one) < worth(two)
    assert level(two) in (Level.BLUE, Level.YELLOW)


@pytest.mark.parametrize("standing", [WatchStatus.CONFIRMED, WatchStatus.LIFTED])
def test_a_decision_about_the_number_takes_precedence_over_vendors(standing: WatchStatus) -> None:
    decided = WatchEntry(subject=PHONE, standing=standing, at=minutes_ago(5))
    kinds = [each.kind for each in evidence(call(kind=NumberClass.ORDINARY), verdict("numbers-z"), watch=decided)]
    assert kinds == (["suspect_caller"] if standing is WatchStatus.CONFIRMED else [])


def test_a_rated_number_of_an_unusual_class_is_both_and_counts_once() -> None:
    goip, rated = evidence(call(kind=NumberClass.GOIP), verdict("numbers-z"))
    assert [goip.kind, rated.kind] == ["call_goip", "rated_caller"]
    assert goip.id.rpartition("~")[0] == rated.id.rpartition("~")[0]
    assert worth([goip, rated]) == pytest.approx(worth([goip]))


def test_a_resident_who_calls_a_rated_number_and_the_hotline_are_no_evidence() -> None:
    assert evidence(call(kind=NumberClass.ORDINARY), verdict("numbers-z"), role=Role.CALLER) == []
    assert evidence(call(kind=NumberClass.HOTLINE), verdict("numbers-z")) == []


def test_a_text_message_of_a_rated_sender_is_a_scam_message_with_the_share() -> None:
    (found,) = evidence(sms(kind=NumberClass.ORDINARY), verdict("numbers-x"), role=Role.RECEIVER)
    assert found.kind is EvidenceKind.SCAM_SMS
    assert found.share == pytest.approx(0.6)
    (forged,) = evidence(sms(), verdict("numbers-x"), role=Role.RECEIVER)
    assert forged.share is None


def test_a_call_and_a_payment_to_a_rated_payee_together_count_only_the_share_of_the_combination() -> None:
    abroad = evidence(call(ago=10, seconds=300, kind=NumberClass.OVERSEAS))
    paid = evidence(transfer(ago=5, new=False), verdict("numbers-y"), role=Role.PAYER)
    together = worth([*abroad, *paid]) - worth(abroad) - worth(paid)
    reported = [each.model_copy(update={"share": None}) for each in paid]
    whole = worth([*abroad, *reported]) - worth(abroad) - worth(reported)
    assert (paid[0].kind, paid[0].share) == (EvidenceKind.REPORTED_PAYEE, 0.5)
    assert together == pytest.approx(0.5 * whole, rel=0.01)
    assert level([*abroad, *reported]) is Level.RED
    assert level([*abroad, *paid]) is not Level.RED
