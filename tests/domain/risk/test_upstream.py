"""People who had contact with a suspect before it was confirmed: which calls are stored, and who is in most danger."""

import tomllib
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.casework import decide
from domain.policy.risk import RiskRules, Upstream
from domain.risk import Role, SignalContext, about_contact, callee_of, outlook
from domain.risk.fan_out import EarlierPayments, answered, entered, has_earlier, since
from domain.risk.upstream import ContactReach, ContactSource, LikelyVictim, likely_victims, reach_of
from schemas.casework.cases import Case, CaseState
from schemas.levels import Level, Outcome
from schemas.risk.evidence import Callee, Evidence, EvidenceKind, Payer, WatchEntry, WatchStatus
from schemas.risk.signals import CallEnd, NumberClass, TransferState
from tests.domain import builders
from tests.domain.risk.riskworld import NOW, PAYEE, POLICY, RULES, SUSPECT, call, evidence, profile

PHONE = WatchEntry(subject="phone:ptoken", standing=WatchStatus.CONFIRMED, at=NOW)
ANNA, BERT, CARL = ("r" + letter * 16 for letter in "abc")
PROFILES = {ANNA: profile(), BERT: profile(), CARL: profile()}
WITHOUT = RULES.model_copy(update={"upstream": Upstream()})


MANY = EarlierPayments(RULES.payers_without_asking + 1, RULES.payers_without_asking + 1)


def callee(ago: timedelta = timedelta(hours=1), uid: str = "carrier:c1", seconds: int = 300) -> Callee:
    return Callee(ANNA, uid, NOW - ago, "signals", 0, 0, seconds, ongoing=False)


def payer(fen: int = 1_000_000, state: TransferState = TransferState.SETTLED, uid: str = "bank:t1") -> Payer:
    return Payer(ANNA, uid, NOW - timedelta(minutes=30), "signals", 0, 0, fen, None, state)


def paid(**more: object) -> list[Evidence]:
    return about_contact(payer(**more), PAYEE, SUSPECT, RULES)  # type: ignore[arg-type]


def called(**more: object) -> list[Evidence]:
    return about_contact(callee(**more), "ptoken", PHONE, RULES)  # type: ignore[arg-type]


def ranked(*contacts: tuple[str, list[Evidence]], rules: RiskRules = RULES) -> list[LikelyVictim]:
    pairs = [(resident, each) for resident, those in contacts for each in those]
    return likely_victims(pairs, {}, PROFILES, rules, NOW, {})


@pytest.mark.parametrize(
    ("seconds", "kind", "role", "stored"),
    [
        (60, NumberClass.ORDINARY, Role.CALLED, True),
        (59, NumberClass.ORDINARY, Role.CALLED, False),
        (600, NumberClass.HOTLINE, Role.CALLED, False),
        (600, NumberClass.ORDINARY, Role.CALLER, False),
    ],
)
def test_a_call_of_a_minute_to_a_resident_is_stored_except_those_of_96110(
    seconds: int, kind: NumberClass, role: Role, stored: bool
) -> None:
    found = callee_of(call(seconds=seconds, kind=kind), SignalContext("signals", 0, 7, role), ANNA, RULES)
    assert (found is not None) is stored
    assert found is None or (found.resident, found.seconds, found.offset) == (ANNA, seconds, 7)


@pytest.mark.parametrize("end", CallEnd)
def test_a_call_that_nobody_answered_is_not_stored_however_long_it_rang(end: CallEnd) -> None:
    rang = call(seconds=70, kind=NumberClass.ORDINARY).model_copy(update={"ended": end})
    stored = callee_of(rang, SignalContext("signals", 0, 7, Role.CALLED), ANNA, RULES)
    assert (stored is not None) is (end is CallEnd.ANSWERED)


@pytest.mark.parametrize("subject", ["account:atoken@vendor", "phone:ptoken@vendor"])
def test_a_rating_asks_nobody_and_reaches_nobody_earlier(subject: str) -> None:
    rated = WatchEntry(subject=subject, standing=WatchStatus.RATED, at=NOW)
    assert not has_earlier(rated, RULES)
    assert entered(rated, None, MANY, RULES, NOW).asked is None


def test_a_policy_that_does_not_look_back_stores_no_call_and_finds_none() -> None:
    assert callee_of(call(seconds=600), SignalContext("signals", 0, 0, Role.CALLED), ANNA, WITHOUT) is None
    assert not has_earlier(PHONE, WITHOUT)
    assert has_earlier(SUSPECT, WITHOUT)


@pytest.mark.parametrize(
    ("standing", "reaches"),
    [
        (WatchStatus.CONFIRMED, True),
        (WatchStatus.LIFTED, True),
        (WatchStatus.REPORTED, False),
        (WatchStatus.RATED, False),
    ],
)
def test_only_a_decision_about_a_number_reaches_its_callees(standing: WatchStatus, reaches: bool) -> None:
    entry = PHONE.model_copy(update={"standing": standing})
    assert has_earlier(entry, RULES) is reaches
    assert bool(about_contact(callee(), "ptoken", entry, RULES)) is reaches


def test_a_call_is_evidence_as_if_its_number_had_been_confirmed_before() -> None:
    (member,) = called()
    assert (member.id, member.kind) == ("carrier:c1~suspect_caller", EvidenceKind.SUSPECT_CALLER)
    assert (member.campaign, member.seconds, member.withdrawn) == (PHONE.campaign, 300, False)
    (lifted,) = about_contact(callee(), "ptoken", PHONE.model_copy(update={"standing": WatchStatus.LIFTED}), RULES)
    assert lifted.withdrawn


def test_calls_count_as_far_back_as_the_policy_says() -> None:
    back = RULES.upstream.calls
    assert back is not None
    assert since(PHONE, RULES) == NOW - back
    assert called(ago=back) != []
    assert called(ago=back + timedelta(seconds=1)) == []


@pytest.mark.parametrize("after", [15, 48])
def test_a_lift_withdraws_the_evidence_however_late_it_comes_while_the_call_is_stored(after: int) -> None:
    lift = PHONE.model_copy(update={"standing": WatchStatus.LIFTED, "at": NOW + timedelta(hours=after), "uid": "w2"})
    lifted = entered(lift, PHONE, EarlierPayments(0, 0), RULES, lift.at)
    (member,) = about_contact(callee(timedelta(hours=10)), "ptoken", lifted, RULES)
    assert member.withdrawn
    earlier = payer().at - timedelta(hours=60)
    old = Payer(ANNA, "bank:t1", earlier, "signals", 0, 0, 100, None, TransferState.SETTLED)
    if after == 15:
        account = SUSPECT.model_copy(update={"standing": WatchStatus.LIFTED, "at": lift.at})
        assert {each.withdrawn for each in about_contact(old, PAYEE, account, RULES)} == {True}


def test_a_confirmation_that_is_repeated_reaches_as_far_back_as_the_first() -> None:
    entry = PHONE
    for hours in (3, 30):
        again = PHONE.model_copy(update={"at": NOW + timedelta(hours=hours), "uid": f"w{hours}"})
        entry = entered(again, entry, EarlierPayments(0, 0), RULES, again.at)
        assert (entry.at, entry.begun_at) == (again.at, NOW)
        assert about_contact(callee(timedelta(hours=22)), "ptoken", entry, RULES) != []
    lift = PHONE.model_copy(update={"standing": WatchStatus.LIFTED, "at": NOW + timedelta(hours=31)})
    lifted = entered(lift, entry, EarlierPayments(0, 0), RULES, lift.at)
    anew = PHONE.model_copy(update={"at": NOW + timedelta(hours=32), "uid": "w4"})
    assert lifted.begun_at == lift.at
    assert entered(anew, lifted, EarlierPayments(0, 0), RULES, anew.at).begun_at == anew.at


def test_a_person_is_asked_about_a_number_that_called_too_many() -> None:
    waits = entered(PHONE, None, MANY, RULES, NOW)
    assert waits.asked is not None
    assert about_contact(callee(), "ptoken", waits, RULES) == []
    assert entered(PHONE, None, EarlierPayments(3, 0), RULES, NOW).asked is None


def test_a_call_told_of_late_is_no_evidence_while_a_person_is_asked_and_after_they_refused() -> None:
    old, new = call(ago=600, kind=NumberClass.ORDINARY), call(ago=-1, kind=NumberClass.ORDINARY)
    waits = entered(PHONE, None, MANY, RULES, NOW)
    assert waits.asked is not None
    for entry in (waits, answered(waits, waits.asked.id, alert=False)):
        assert evidence(old, watch=entry) == []
        assert [each.kind for each in evidence(new, watch=entry)] == [EvidenceKind.SUSPECT_CALLER]
    assert evidence(old, watch=answered(waits, waits.asked.id, alert=True)) != []


def test_a_refused_call_from_abroad_is_still_a_call_from_abroad() -> None:
    waits = entered(PHONE, None, MANY, RULES, NOW)
    (found,) = evidence(call(ago=600, kind=NumberClass.OVERSEAS), watch=waits)
    assert (found.kind, found.campaign) == (EvidenceKind.CALL_OVERSEAS, None)


def test_who_is_still_talking_to_the_suspect_is_told_whatever_a_person_says_of_earlier_calls() -> None:
    waits = entered(PHONE, None, MANY, RULES, NOW)
    talking = call(ago=5, seconds=360, kind=NumberClass.ORDINARY, ongoing=True)
    assert evidence(talking, watch=waits) != []


def test_a_call_told_of_late_counts_as_far_back_as_the_policy_says() -> None:
    assert evidence(call(ago=23 * 60, kind=NumberClass.ORDINARY), watch=PHONE) != []
    assert evidence(call(ago=25 * 60, kind=NumberClass.ORDINARY), watch=PHONE) == []


@pytest.mark.parametrize("calls", ["0s", "73h"])
def test_a_policy_cannot_look_for_calls_that_are_no_longer_stored(calls: str) -> None:
    given = tomllib.loads(POLICY.read_text("utf-8"))["risk"]
    given["upstream"]["calls"] = calls
    with pytest.raises(ValueError, match="not_between"):
        RiskRules.model_validate(given)


def test_who_may_still_lose_more_comes_first() -> None:
    settled, under_way = paid(), paid(state=TransferState.PENDING, fen=5_000_000)
    first, second = ranked((ANNA, settled), (BERT, under_way))
    assert (first.resident, second.resident) == (BERT, ANNA)
    assert first.outlook.may_lose_fen == second.outlook.may_lose_fen + 5_000_000
    assert (first.source, first.paid_fen, first.contacts) == (ContactSource.INFLOW, 5_000_000, 1)


def test_of_two_calls_the_more_recent_is_the_greater_danger() -> None:
    old, new = called(ago=timedelta(hours=20)), called(ago=timedelta(minutes=5))
    assert [each.resident for each in ranked((ANNA, old), (BERT, new))] == [BERT, ANNA]


def test_a_payment_reported_in_several_states_is_one_sum() -> None:
    states = [*paid(state=TransferState.PENDING), *paid(state=TransferState.SETTLED)]
    (found,) = ranked((ANNA, states))
    assert (found.paid_fen, found.contacts) == (1_000_000, 1)


def test_withdrawn_evidence_puts_nobody_on_the_list() -> None:
    (member,) = called()
    assert ranked((ANNA, [member.model_copy(update={"withdrawn": True})])) == []
    assert outlook([], profile(), RULES, NOW) is None


def test_who_is_not_in_the_register_any_more_is_left_out() -> None:
    assert ranked(("r" + "z" * 16, paid())) == []


def test_the_list_has_at_most_as_many_people_as_the_policy_says() -> None:
    two = RULES.model_copy(update={"upstream": RULES.upstream.model_copy(update={"people": 2})})
    everybody = (ANNA, paid()), (BERT, called()), (CARL, paid(fen=9_000_000, state=TransferState.PENDING))
    assert ranked(*everybody, rules=two) == ranked(*everybody)[:2]


def test_evidence_from_elsewhere_raises_the_place_on_the_list() -> None:
    known = {BERT: about_contact(payer(uid="bank:t9"), PAYEE, SUSPECT, RULES)}
    pairs = [(who, each) for who in (ANNA, BERT) for each in called()]
    found = likely_victims(pairs, known, PROFILES, RULES, NOW, {})
    assert [each.resident for each in found] == [BERT, ANNA]
    settled: dict[str, datetime] = {BERT: NOW, ANNA: NOW - timedelta(days=9)}
    assert [each.resident for each in likely_victims(pairs, known, PROFILES, RULES, NOW, settled)] == [ANNA, BERT]


@given(st.lists(st.sampled_from([0, 1, 2]), min_size=1, max_size=8))
def test_neither_order_nor_repetition_of_the_contacts_changes_the_list(which: list[int]) -> None:
    contacts = [(ANNA, paid()), (BERT, called()), (CARL, paid(fen=9_000_000, state=TransferState.PENDING))]
    usual = ranked(*(contacts[number] for number in sorted(set(which))))
    assert ranked(*(contacts[number] for number in which)) == usual
    assert all(0 <= each.outlook.probability <= 1 for each in usual)
    for order in permutations(sorted(set(which))):
        assert ranked(*(contacts[number] for number in order)) == usual


def case(**more: object) -> Case:
    begun = decide(None, builders.alert(Level.RED), builders.rules(), builders.NOON).case
    assert begun is not None
    return begun.model_copy(update=more)


@pytest.mark.parametrize(
    ("outcome", "ago", "reach"),
    [
        (Outcome.DISSUADED, -1, ContactReach.REACHED),
        (Outcome.DISSUADED, 1, ContactReach.NO_CASE),
        (Outcome.UNREACHABLE, -1, ContactReach.UNREACHABLE),
        (Outcome.UNREACHABLE, 1, ContactReach.NO_CASE),
        (Outcome.FALSE_ALARM, -1, ContactReach.NO_CASE),
        (None, -1, ContactReach.NO_CASE),
    ],
)
def test_a_case_that_ended_counts_as_reached_only_if_the_person_was_dissuaded(
    outcome: Outcome | None, ago: int, reach: ContactReach
) -> None:
    at = NOW - timedelta(minutes=ago)
    ended = case(state=CaseState.CLOSED, outcome=outcome, settled_at=at, closed_at=at)
    assert reach_of(ended, NOW) is reach


def test_a_contact_since_the_confirmation_counts_whatever_became_of_the_case() -> None:
    assert reach_of(case(), NOW) is ContactReach.WAITING
    assert reach_of(case(met_at=NOW, outcome=Outcome.UNREACHABLE), NOW) is ContactReach.REACHED
    assert reach_of(None, NOW) is ContactReach.NO_CASE
