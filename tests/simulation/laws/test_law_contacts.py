"""Who is contacted twice, for nothing, or too late is told; and each doubt that is not counted or resolved."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
from pydantic import BaseModel

from schemas.casework.cases import Payment
from schemas.casework.inputs import BankFeedback, BankState
from schemas.casework.movements import MovedAccount, MovementKind, OnwardMovement
from schemas.casework.orders import ApproveStopAct, LaterLimits
from schemas.levels import Level, Result
from schemas.people.staff import StaffRole
from schemas.risk.evidence import WatchStatus
from schemas.risk.signals import TransferState
from tests.simulation.laws import handmade
from tests.simulation.laws.altered import (
    CALL,
    SMS,
    VISIT,
    appended,
    contact,
    laws_broken,
    report,
    with_log,
    with_store,
    words,
)
from tests.simulation.laws.handmade import BEGAN, CAREFUL, IN_DANGER, NOON
from tests.simulation.laws.known import known
from tests.simulation.laws.observed import Observed, Promise, Request, Trouble
from tests.simulation.mutations import mutated


@pytest.mark.parametrize("name", [SMS, CALL, VISIT])
def test_a_second_contact_by_one_dispatch_is_told(good: Observed, name: str) -> None:
    told = words(replace(good, contacts=[*good.contacts, contact(name, 300)]), "nobody_twice")
    assert f"dispatch {name} of case {IN_DANGER}-1" in told
    assert "carried it out 2 times" in told
    assert "300.000 s" in told


def test_a_second_request_by_which_an_idempotent_provider_does_nothing_is_none(good: Observed) -> None:
    again = replace(good, contacts=[*good.contacts, contact(SMS, 300, acted=False)])
    assert laws_broken(again) == set()


def frozen(until: float) -> Observed:
    """The call's first worker is frozen at 250 s, with its request on the way; another sends it at 260 s."""
    made = handmade.observed()
    requests = [sent(CALL, "w1", 250, lasts=until - 250, clear=False), sent(CALL, "w2", 260)]
    contacts = [*(each for each in made.contacts if each.dispatch != CALL), contact(CALL, 260), contact(CALL, until)]
    troubles, kinds = [Trouble("w1", BEGAN + 250, BEGAN + until)], {**made.kinds, "phone": Promise.ASKABLE}
    return replace(made, contacts=contacts, requests=requests, troubles=troubles, kinds=kinds)


def test_a_request_that_was_frozen_past_its_lease_may_be_a_second_contact() -> None:
    assert "nobody_twice" not in laws_broken(frozen(until=270))


def test_a_freeze_that_was_over_before_the_next_request_excuses_no_second_contact() -> None:
    assert "nobody_twice" in laws_broken(frozen(until=255))


def in_doubt(name: str) -> Observed:
    """The first visit is in doubt; its provider was asked twice."""
    inputs = handmade.usual()
    first = handmade.observed(inputs)
    dispatch = known(first).expected[name].dispatch
    inputs[0].append((280, handmade.result_of(dispatch, Result.IN_DOUBT, 280)))
    made = handmade.observed(inputs)
    unclear = [sent(name, "w1", 270, clear=False)]
    return replace(made, contacts=[*made.contacts, contact(name, 300)], requests=unclear)


def test_a_second_contact_by_an_unsafe_provider_that_was_counted_as_in_doubt_is_allowed() -> None:
    assert laws_broken(in_doubt(VISIT)) == set()


def test_a_second_contact_by_a_safe_provider_is_told_though_it_was_in_doubt() -> None:
    assert laws_broken(in_doubt(CALL)) == {"nobody_twice"}


def test_two_dispatches_for_one_attempt_are_told(good: Observed) -> None:
    other = SMS.replace(":sms", ":phone")
    told = words(replace(good, contacts=[*good.contacts, contact(other, 5)]), "nobody_twice")
    assert f"step red.sms, attempt 1 was carried out as {other} and as {SMS}" in told


def test_a_contact_by_a_dispatch_that_no_input_leads_to_is_told(good: Observed) -> None:
    strange = f"{IN_DANGER}-1:red.sms:9:sms"
    told = words(replace(good, contacts=[*good.contacts, contact(strange, 5)]), "nobody_twice")
    assert f"to carry out {strange}, which no input leads to" in told


def test_a_dispatch_on_its_topic_that_no_input_leads_to_is_told(good: Observed) -> None:
    record = good.records("dispatches.red", 0)[0].value or b""
    strange = appended(good, "dispatches.red", 0, record.replace(SMS.encode(), SMS.replace(":1:", ":9:").encode()))
    assert "and no input leads to it" in words(strange, "nobody_twice")


def test_an_attempt_that_was_sent_and_reported_as_failed_makes_the_next_one_a_second_contact() -> None:
    """Hole 4: a provider that acts and then answers 500."""
    made = handmade.observed(denied=[SMS])
    assert laws_broken(made) == {"nobody_twice", "counted_doubts"}
    twice = words(made, "nobody_twice")
    assert f"case {IN_DANGER}-1, step red.sms: attempt 1 was reported as failed, but the provider has" in twice
    assert "attempt 2 was carried out as well, at" in twice
    assert f"dispatch {SMS}" in words(made, "counted_doubts")
    assert "a second contact that nothing counts" in words(made, "counted_doubts")


def test_a_channel_that_contradicts_itself_is_told(good: Observed) -> None:
    dispatch = known(good).expected[CALL].dispatch
    more = handmade.usual()
    more[0].append((500, handmade.result_of(dispatch, Result.NOT_SENT, 500)))
    made = handmade.observed(more)
    assert laws_broken(made) == {"one_result"}
    assert "was reported as not sent and as sent" in words(made, "one_result")


def test_a_repeat_to_a_provider_that_does_not_recognise_it_must_be_counted(good: Observed) -> None:
    again = replace(good, contacts=[*good.contacts, contact(VISIT, 300, acted=False)])
    assert laws_broken(again) == {"counted_doubts"}
    assert "is counted nowhere as in doubt" in words(again, "counted_doubts")


@pytest.mark.parametrize("mark", ["sending", "unsure"])
def test_a_doubt_that_nobody_resolves_is_told(mark: str) -> None:
    first = f"{IN_DANGER}-1:red.sms:1:sms"
    made = handmade.observed({0: [(2, handmade.alert(IN_DANGER, Level.RED, 2))], 1: handmade.usual()[1]})
    silent = with_log(made, "case-inputs", 0, lambda records: records[:1])
    marked: dict[str, object] = (
        {"dispatches": {first: orjson.dumps({"state": "sending"}).decode()}}
        if mark == "sending"
        else {"unsure": {first}}
    )
    told = words(with_store(silent, 0, **marked), "doubts_resolved")
    assert f"dispatch {first}" in told
    assert mark in told


def test_a_contact_after_the_resident_was_dissuaded_is_told(good: Observed) -> None:
    late = contact(f"{CAREFUL}-1:yellow.sms:1:sms", 450)
    contacts = [each for each in good.contacts if each.dispatch != late.dispatch]
    told = words(replace(good, contacts=[*contacts, late]), "nothing_after_settled")
    assert "was carried out at 450.000 s, but the resident is dissuaded since 400.010 s" in told
    assert "input case-inputs/1/" in told


@pytest.mark.parametrize(("seconds", "stalls"), [(401, ()), (450, ((BEGAN + 399, BEGAN + 449),))])
def test_a_contact_that_was_on_its_way_when_the_resident_was_dissuaded_is_allowed(
    good: Observed, seconds: float, stalls: Sequence[tuple[float, float]]
) -> None:
    late = contact(f"{CAREFUL}-1:yellow.sms:1:sms", seconds)
    contacts = [each for each in good.contacts if each.dispatch != late.dispatch]
    assert laws_broken(replace(good, contacts=[*contacts, late], stalls=stalls)) == set()


def sent(name: str, worker: str, seconds: float, *, lasts: float = 0.5, clear: bool = True) -> Request:
    """A request as it left a worker."""
    at = BEGAN + seconds
    return Request(name, name.rpartition(":")[2], worker, at, at + lasts, clear)


def test_a_dispatch_that_two_well_workers_send_is_told(good: Observed) -> None:
    twice = replace(good, requests=[sent(SMS, "w1", 3), sent(SMS, "w2", 3.2)])
    told = words(twice, "no_needless_doubts")
    assert laws_broken(twice) == {"no_needless_doubts"}
    assert f"dispatch {SMS} of case {IN_DANGER}-1" in told
    assert "was sent by w1 at 3.000 s and again by w2 at 3.200 s, though nothing went wrong in between" in told


@pytest.mark.parametrize(
    ("first", "trouble"),
    [
        (sent(SMS, "w1", 3, clear=False), None),
        (sent(SMS, "w1", 3, lasts=math.inf, clear=False), Trouble("w1", BEGAN + 3.1, BEGAN + 3.1)),
        (sent(SMS, "w1", 3), Trouble("w1", BEGAN + 1.2, BEGAN + 4)),
        (sent(SMS, "w1", 3), Trouble("redis", BEGAN + 3.3, BEGAN + 3.3)),
    ],
    ids=["no clear answer", "killed", "frozen", "Redis lost data"],
)
def test_a_dispatch_is_sent_again_for_a_cause(good: Observed, first: Request, trouble: Trouble | None) -> None:
    again = sent(SMS, "w2", 6)
    troubles = [trouble] if trouble else []
    assert laws_broken(replace(good, requests=[first, again], troubles=troubles)) == set()


@pytest.mark.parametrize(
    "trouble",
    [Trouble("w3", BEGAN + 3.1, BEGAN + 4), Trouble("w1", BEGAN + 4, BEGAN + 5), Trouble("redis", BEGAN, BEGAN + 0.5)],
    ids=["another worker's", "later", "long over"],
)
def test_a_trouble_that_explains_nothing_is_no_excuse(good: Observed, trouble: Trouble) -> None:
    twice = replace(good, requests=[sent(SMS, "w1", 3), sent(SMS, "w2", 3.2)], troubles=[trouble])
    assert laws_broken(twice) == {"no_needless_doubts"}


def test_a_request_that_has_no_answer_yet_is_no_reason_to_send_another(good: Observed) -> None:
    twice = replace(good, requests=[sent(SMS, "w1", 3, clear=False), sent(SMS, "w2", 3.2)])
    assert laws_broken(twice) == {"no_needless_doubts"}


def test_a_doubt_without_a_cause_is_told() -> None:
    needless = replace(in_doubt(VISIT), requests=[sent(VISIT, "w1", 270)])
    assert laws_broken(needless) == {"no_needless_doubts"}
    assert "was reported as in doubt at 280.000 s, though nothing went wrong" in words(needless, "no_needless_doubts")


def test_a_doubt_about_what_nobody_sent_is_explained_by_any_worker_s_trouble() -> None:
    """It was marked, and its worker died before the request left."""
    nobody = replace(in_doubt(VISIT), requests=())
    assert laws_broken(nobody) == {"no_needless_doubts"}
    assert laws_broken(replace(nobody, troubles=[Trouble("w3", BEGAN + 275, BEGAN + 275)])) == set()


def with_a_stop(*approvals: BaseModel) -> dict[int, list[tuple[float, BaseModel | bytes]]]:
    """A red case with a payment to a confirmed account, whose stop falls due after two minutes."""
    pays = Payment(
        transfer="bank:t1",
        payee="a1",
        amount_fen=3_200_000,
        at=NOON,
        state=TransferState.PENDING,
        watched=WatchStatus.CONFIRMED,
    )
    made = handmade.usual()
    alert = handmade.alert(IN_DANGER, Level.RED, 2).model_copy(update={"payments": [pays]})
    made[0] = [(2, alert), (4, handmade.POISON), *((130.0, each) for each in approvals)]
    return made


def test_a_stop_that_a_person_approved_is_lawful() -> None:
    act = report(IN_DANGER, ApproveStopAct(order="stop.0"), 130, 7)
    made = handmade.observed(with_a_stop(act.model_copy(update={"role": StaffRole.RELEASE_DESK})))
    assert any(contact.channel == "payment" for contact in made.contacts)
    assert laws_broken(made) == set()


def test_a_stop_that_nobody_approved_is_told() -> None:
    with mutated("orders_unapproved"):
        told = words(handmade.observed(with_a_stop()), "no_stop_unapproved")
    assert "approved by nobody; the policy wants 1" in told


WITHIN = LaterLimits(hops=2, accounts=2, amount_fen=3_000_000, hours=6)


def that_goes_on(limits: LaterLimits | None) -> dict[int, list[tuple[float, BaseModel | bytes]]]:
    """The same; the person may approve later stops too, and the bank says that the money has gone on to one account."""
    act = report(IN_DANGER, ApproveStopAct(order="stop.0", later=limits), 130, 7)
    a1, b1 = MovedAccount(bank="a", token="a1"), MovedAccount(bank="b", token="b1")
    moved = OnwardMovement(
        payer=a1,
        payee=b1,
        kind=MovementKind.TRANSFER,
        amount_fen=2_000_000,
        at=NOON + timedelta(seconds=60),
        sequence=1,
    )
    told = BankFeedback(
        id="the bank's answer",
        at=NOON + timedelta(seconds=140),
        resident=IN_DANGER,
        case=act.case,
        dispatch=f"{act.case}:stop.0:1:payment",
        transfer="bank:t1",
        state=BankState.IN_FORCE,
        amount_fen=1_200_000,
        movements=[moved],
    )
    made = with_a_stop(act.model_copy(update={"role": StaffRole.RELEASE_DESK}))
    made[0].append((140.0, told))
    return made


def stops(observed: Observed) -> int:
    return sum(contact.channel == "payment" for contact in observed.contacts)


def test_a_later_stop_within_what_a_person_signed_is_lawful_and_without_it_waits() -> None:
    signed, not_signed = (handmade.observed(that_goes_on(limits)) for limits in (WITHIN, None))
    assert (stops(signed), stops(not_signed)) == (2, 1)
    assert (laws_broken(signed), laws_broken(not_signed)) == (set(), set())


@pytest.mark.parametrize("limits", [None, WITHIN.model_copy(update={"amount_fen": 1_999_999})])
def test_a_later_stop_beyond_what_a_person_signed_is_told(limits: LaterLimits | None) -> None:
    with mutated("orders_unapproved"):
        made = handmade.observed(that_goes_on(limits))
        told = [line for line in words(made, "no_stop_unapproved").splitlines() if ":stop.t0:" in line]
    assert len(told) == 1
    assert "approved by nobody; the policy wants 1" in told[0]
