"""What always holds of evidence and risk, the reasons in words, and when casework is told."""

from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.risk import alert_id, assess, bounded, may_be_evidence, merged, news, remembered, supersedes, version
from schemas.base import MOST_FEN
from schemas.casework.cases import Profile
from schemas.codes.danger import CombinedEvidence, OngoingCall, PaymentMade, ScamSms
from schemas.levels import Level
from schemas.people.residents import BalanceBand, Occupation, Sex
from schemas.risk.evidence import Evidence, EvidenceKind
from schemas.risk.signals import AppKind, NumberClass, Signal, TransferState
from tests.domain.risk.riskworld import (
    LIFTED,
    NOW,
    PROFILES,
    REPORTED,
    RULES,
    SUSPECT,
    app,
    call,
    evidence,
    minutes_ago,
    profile,
    risk,
    sms,
    transfer,
)

DAY = 24 * 60  # minutes
ago = st.integers(0, 10_000)
ids = st.sampled_from("abcdefgh")
numbers = st.sampled_from([NumberClass.OVERSEAS, NumberClass.GOIP, NumberClass.SPOOFED])
states = st.sampled_from(TransferState)
watches = st.sampled_from([None, SUSPECT, REPORTED, LIFTED])


@st.composite
def members(draw: st.DrawFn) -> list[Evidence]:
    """The evidence of one signal. Of one id what differs is what may: the call's length, the payment's state."""
    uid = draw(ids)
    since = ord(uid) * 17 % 400
    kind = draw(st.sampled_from(["call", "sms", "app", "transfer"]))
    if kind == "call":
        return evidence(call(since, draw(st.integers(0, 4000)), uid=uid, ongoing=draw(st.booleans())))
    if kind == "sms":
        return evidence(sms(since, uid=uid))
    if kind == "app":
        return evidence(app(AppKind.MEETING, since, uid=uid))
    return evidence(transfer(since, draw(states), uid=uid), watch=draw(watches))


many = st.lists(members(), max_size=14).map(lambda found: [member for some in found for member in some])


def union(found: list[Evidence]) -> dict[str, Evidence]:
    return merged({}, found)


@given(many, st.randoms(), st.integers(0, 2000))
def test_any_order_and_any_repetition_gives_the_same_risk(found: list[Evidence], chance: Random, later: int) -> None:
    now = NOW + timedelta(minutes=later)
    again = found + found[: len(found) // 2]
    chance.shuffle(again)
    one, other = union(found), union(again)
    assert one == other
    assert risk(list(one.values()), now) == risk(list(other.values())[::-1], now)


@given(many, many, many)
def test_merging_is_associative(one: list[Evidence], two: list[Evidence], three: list[Evidence]) -> None:
    left = merged(merged(union(one), two), three)
    assert left == merged(union(one), merged(union(two), three).values())


long_ago = st.integers(-3 * DAY, 90 * DAY)  # minutes; now and then of tomorrow
told = st.one_of(
    st.tuples(st.just("call"), long_ago, st.sampled_from([60, 1800, 7200])),
    st.tuples(st.sampled_from(["sms", "app", "new_payee", "suspect_payee"]), long_ago, st.just(0)),
)


@given(st.lists(told, min_size=1, max_size=60), st.integers(0, 60), st.sampled_from([1, 3, 32]))
def test_bounding_early_or_late_leaves_the_same(found: list[tuple[str, int, int]], cut: int, bound: int) -> None:
    rules = RULES.model_copy(update={"bound": bound})
    all_ = [member for number, each in enumerate(found) for member in of_kind(*each, f"u{number}")]
    early = bounded(union(all_[:cut]), rules, NOW)
    assert bounded(merged(early, all_[cut:]), rules, NOW) == bounded(union(all_), rules, NOW)


def of_kind(kind: str, ago: int, seconds: int = 0, uid: str = "u") -> list[Evidence]:
    match kind:
        case "call":
            return evidence(call(ago, seconds, uid=uid))
        case "sms":
            return evidence(sms(ago, uid=uid))
        case "app":
            return evidence(app(ago=ago, uid=uid))
        case "new_payee":
            return evidence(transfer(ago, uid=uid))
        case _:
            return evidence(transfer(ago, uid=uid), watch=SUSPECT)


def test_a_hundred_new_payees_and_calls_leave_room_for_a_payment_to_a_suspect() -> None:
    ordinary = [
        member
        for number in range(100)
        for kind in ("new_payee", "call")
        for member in of_kind(kind, number, uid=f"{kind}{number}")
    ]
    (payment, _) = scam = evidence(transfer(ago=200, uid="scam"), watch=SUSPECT)
    kept = bounded(union(ordinary + scam), RULES, NOW)
    assert kept[payment.id].kind is EvidenceKind.SUSPECT_PAYEE
    danger = risk(list(kept.values())).danger
    assert danger
    assert danger.level is Level.RED


def test_an_hour_long_call_stays_though_newer_ones_crowd_the_short_one_out() -> None:
    calls = [call(600 - number, 60, uid=f"c{number}") for number in range(RULES.bound)]
    both = evidence(call(700, 3600, uid="long"), call(700, 60, uid="short"), *calls)
    kept = bounded(union(both), RULES, NOW)
    assert len(kept) == RULES.bound
    assert {name.partition("~")[0] for name in kept} == {"carrier:long", *(f"carrier:c{n}" for n in range(1, 32))}


def test_what_has_faded_to_a_thousandth_goes_with_whatever_is_newer() -> None:
    half_life = RULES.evidence[EvidenceKind.NEW_PAYEE].half_life // timedelta(minutes=1)
    (gone,), (stays,) = (
        of_kind("new_payee", 10 * half_life + 1, uid="gone"),
        of_kind("new_payee", 10 * half_life, uid="stays"),
    )
    (app_,) = of_kind("app", 10 * half_life + 1, uid="app")  # it fades more slowly
    (new,) = of_kind("sms", 0, uid="new")
    assert bounded(union([gone, stays, app_, new]), RULES, NOW).keys() == {stays.id, app_.id, new.id}
    assert bounded(union([gone]), RULES, NOW).keys() == {gone.id}


def test_what_is_said_to_be_of_next_year_lets_nothing_of_today_fade() -> None:
    (today,), (next_year,) = of_kind("suspect_payee", 5)[:1], of_kind("sms", -365 * DAY, uid="next-year")
    assert bounded(union([today, next_year]), RULES, NOW).keys() == {today.id, next_year.id}


@given(many, many)
def test_a_level_and_its_probability_go_together(one: list[Evidence], other: list[Evidence]) -> None:
    dangers = [risk(list(union(found).values())).danger for found in (one, other)]
    first, second = (
        sorted((d for d in dangers if d), key=lambda d: d.probability)[-2:] if all(dangers) else (None, None)
    )
    if first and second:
        assert first.level.rank <= second.level.rank


@given(
    st.one_of(
        st.builds(call, kind=st.sampled_from(NumberClass), ongoing=st.booleans()),
        st.builds(sms, kind=st.sampled_from(NumberClass)),
        st.builds(transfer, new=st.booleans(), state=st.sampled_from(TransferState), fen=st.integers(0, 10**9)),
        st.builds(app, kind=st.sampled_from(AppKind)),
    )
)
def test_what_does_not_tell_by_itself_is_no_evidence_unless_the_watchlist_says_so(signal: Signal) -> None:
    assert may_be_evidence(signal) or evidence(signal) == []


@given(st.integers(0, 1800), st.integers(0, 1800), st.booleans())
def test_of_a_call_told_twice_the_later_state_stays(first: int, second: int, ongoing: bool) -> None:
    (one,), (two,) = evidence(call(seconds=first, ongoing=True)), evidence(call(seconds=second, ongoing=ongoing))
    (kept,) = union([one, two]).values()
    assert kept.seconds == max(first, second)
    assert (kept == two) == supersedes(two, one) or one == two


def test_of_equal_states_the_first_stays_so_that_the_other_is_known_as_a_duplicate() -> None:
    (first,), (again,) = evidence(call(), offset=3), evidence(call(), offset=9)
    assert not supersedes(again, first)
    assert union([first, again])[first.id].offset == 3


def test_versions_compare_as_the_states_they_stand_for() -> None:
    steps = [
        evidence(transfer(state=TransferState.ATTEMPTED), watch=SUSPECT)[0],
        evidence(transfer(state=TransferState.PENDING), watch=SUSPECT)[0],
        evidence(transfer(state=TransferState.SETTLED), watch=SUSPECT)[0],
        evidence(transfer(state=TransferState.ATTEMPTED), watch=LIFTED)[0],
    ]
    assert [version(step) for step in steps] == sorted(version(step) for step in steps)
    assert {len(version(step)) for step in steps} == {22}


def test_lifting_takes_back_what_the_confirmation_made_evidence() -> None:
    before, after = evidence(transfer(new=False), watch=SUSPECT), evidence(transfer(new=False), watch=LIFTED)
    for order in (before + after, after + before):
        assert risk(list(union(order).values())).danger is None


def test_an_ongoing_call_is_scored_again_when_it_passes_30_minutes() -> None:
    live = evidence(call(ago=12, seconds=60, ongoing=True))
    found = risk(live)
    assert found.rescore_at == minutes_ago(12) + timedelta(minutes=30)
    assert found.danger is not None
    assert found.danger.call_since == minutes_ago(12)
    then = risk(live, found.rescore_at).danger
    assert then is not None
    assert then.level is Level.ORANGE


def test_a_call_that_ended_is_not_scored_again() -> None:
    assert risk(evidence(call(ago=12, seconds=60))).rescore_at is None


def test_a_call_whose_end_nobody_told_does_not_go_on_for_ever() -> None:
    found = risk(evidence(call(ago=300, seconds=60, ongoing=True)))
    assert found.danger is not None
    assert found.danger.call_since is None


def test_evidence_from_before_a_closed_case_counts_at_the_residual_only() -> None:
    old = evidence(app(ago=60))
    assert risk(old, settled=minutes_ago(30)).danger is None
    again = risk(old + evidence(app(ago=10, uid="app2")), settled=minutes_ago(30)).danger
    assert again is not None
    assert again.level is Level.YELLOW


def test_the_reasons_have_their_figures_gravest_first() -> None:
    danger = risk(evidence(transfer(ago=12, new=False), watch=SUSPECT) + evidence(sms(ago=180))).danger
    assert danger is not None
    assert danger.reasons == [
        PaymentMade(EvidenceKind.SUSPECT_PAYEE, 3_200_000, minutes_ago(12)),
        ScamSms(minutes_ago(180)),
    ]
    assert danger.campaign == "k-atoken"


def test_what_is_more_than_its_sum_is_the_first_reason() -> None:
    danger = risk(evidence(call(ago=12, ongoing=True), transfer(ago=2))).danger
    assert danger is not None
    assert danger.reasons[:2] == [
        CombinedEvidence("可疑通话期间或刚结束即转账"),
        OngoingCall(EvidenceKind.CALL_GOIP, minutes_ago(12)),
    ]


def exposure(paid: Signal, band: BalanceBand = BalanceBand.MIDDLE) -> int:
    """The exposure of somebody of 46 beyond the loss of such a case."""
    rich = profile().model_copy(update={"balance": band})
    found = assess(evidence(paid, watch=SUSPECT), rich, RULES, NOW).danger
    assert found is not None
    return found.exposure_fen - RULES.loss.scams[found.scam_type]


@pytest.mark.parametrize("band", BalanceBand)
def test_exposure_is_what_is_under_way_and_the_loss_of_such_a_case_and_no_balance(band: BalanceBand) -> None:
    assert exposure(transfer(fen=30_000, state=TransferState.PENDING), band) == 30_000


def test_what_has_settled_is_not_under_way() -> None:
    assert exposure(transfer(state=TransferState.SETTLED)) == 0


def test_the_loss_of_a_case_depends_on_the_scam_and_the_age() -> None:
    loss = RULES.loss
    assert loss.of("unheard_of", 45) == loss.usual == 5_200_000
    assert [loss.of("police", age) for age in (19, 29, 45, 70, 90)] == [
        12_600_000,
        11_718_000,
        12_600_000,
        18_270_000,
        32_130_000,
    ]
    assert loss.model_copy(update={"usual": MOST_FEN}).of("unheard_of", 90) == MOST_FEN


def test_an_app_names_the_scam() -> None:
    danger = risk(evidence(app(AppKind.INVESTMENT))).danger
    assert danger is not None
    assert danger.scam_type == "investment"


def test_a_call_from_a_spoofed_number_means_another_scam_for_a_teacher_than_for_a_young_man() -> None:
    spoofed = evidence(call(kind=NumberClass.SPOOFED))
    teacher = assess(spoofed, profile(born=1960, occupation=Occupation.INTELLECTUAL), RULES, NOW).danger
    young = assess(evidence(sms()), profile(sex=Sex.MALE, born=1998), RULES, NOW).danger
    assert teacher is not None
    assert young is not None
    assert (teacher.scam_type, young.scam_type) == ("police", "loan")


@given(st.sampled_from(PROFILES))
def test_whom_it_is_about_never_makes_a_case_by_itself(who: Profile) -> None:
    assert assess([], who, RULES, NOW).danger is None


def test_casework_is_told_once_of_a_level_and_again_when_it_rises() -> None:
    blue, yellow = risk(evidence(call())), risk(evidence(call(), app()))
    assert news(blue, None)
    told = remembered(blue, None, NOW)
    assert not news(blue, told)
    assert news(yellow, told)
    assert not news(blue, remembered(yellow, told, NOW))


def test_casework_is_told_of_each_further_payment_that_could_be_stopped() -> None:
    one = evidence(transfer(), watch=SUSPECT)
    told = remembered(risk(one), None, NOW)
    two = risk(one + evidence(transfer(uid="t2"), watch=SUSPECT))
    assert news(two, told)
    assert [payment.transfer for payment in two.payments] == ["bank:t1", "bank:t2"]


def test_casework_is_told_of_another_campaign() -> None:
    first = risk(evidence(transfer(), watch=SUSPECT))
    told = remembered(first, None, NOW).model_copy(update={"campaigns": frozenset({"k-other"})})
    assert news(first, told)


def test_nothing_is_told_of_a_resident_who_is_in_no_danger() -> None:
    assert not news(risk([]), None)


def test_an_alert_has_the_same_id_when_its_record_is_read_again() -> None:
    cause = ("signals", 3, 17)
    assert alert_id(cause, "r1", Level.RED) == alert_id(cause, "r1", Level.RED)
    assert alert_id(cause, "r1", Level.RED) != alert_id(cause, "r1", Level.ORANGE)


@given(st.integers(-10_000, 10_000))
def test_a_clock_that_runs_ahead_makes_no_evidence_heavier(minutes: int) -> None:
    when: datetime = NOW + timedelta(minutes=minutes)
    found = risk(evidence(sms(ago=0)), when).danger
    assert found is None or found.level is Level.BLUE
