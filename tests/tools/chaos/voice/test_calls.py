"""The calls on the wire, matched with the orders of the voice gateway, and what the gateway may report of them."""

import pytest

from tests.tools.chaos.voice.calls import NO_CALL, CallStory, Dialled, Ordered, dialled, matched, untrue

LOG = """----------------------------------------------- 2026-03-01 10:43:18.500000
TCP message received [662] bytes :

INVITE sip:8612000000001@127.0.0.1;user=phone SIP/2.0
Call-ID: one@quanzu
CSeq: 1 INVITE

----------------------------------------------- 2026-03-01 10:43:18.600000
TCP message sent (338 bytes):

SIP/2.0 180 Ringing
Call-ID: one@quanzu
CSeq: 1 INVITE

----------------------------------------------- 2026-03-01 10:43:18.900000
TCP message sent (338 bytes):

SIP/2.0 486 Ending
Call-ID: one@quanzu
CSeq: 1 INVITE

----------------------------------------------- 2026-03-01 10:43:19.000000
TCP message sent (338 bytes):

SIP/2.0 200 OK
Call-ID: two@quanzu
CSeq: 1 OPTIONS
"""
PHONE = "+8612000000001"


def order(at: float, ended: float = float("inf")) -> Ordered:
    return Ordered(PHONE, "x", "robot_call", at, ended)


def call(at: float) -> Dialled:
    return Dialled(PHONE.removeprefix("+"), at)


def names(orders: dict[str, Ordered], *calls: Dialled) -> list[str]:
    return [name for name, _ in matched(orders, calls)]


def story(*statuses: int, told: str = "", taken: bool = True, doubt: bool = False, given_up: bool = False) -> list[str]:
    found = CallStory("a", statuses, frozenset(told.split()), taken=taken, doubt=doubt, given_up=given_up)
    return list(untrue(found))


def test_a_call_has_the_final_answer_of_its_invite() -> None:
    (found,) = dialled(LOG)
    assert (found.number, found.status) == ("8612000000001", 486)
    assert found.at % 1 == 0.5
    assert found.rang
    assert not found.given_up


@pytest.mark.parametrize("status", [0, 487])
def test_a_call_that_rang_until_the_gateway_gave_up_has_no_answer_whatever_became_of_the_cancellation(
    status: int,
) -> None:
    assert Dialled(PHONE, 1.0, status, rang=True).given_up
    assert not Dialled(PHONE, 1.0, status).given_up
    assert not story(status, told="no_answer", given_up=True)
    assert len(story(status, told="no_answer")) == 1


def test_an_order_that_failed_before_its_call_was_on_the_wire_was_not_placed() -> None:
    def failed(*statuses: int, told: str = "failed") -> bool:
        return CallStory("a", statuses, frozenset([told]), taken=True, doubt=False).failed_unplaced

    assert failed()
    assert not failed(0)
    assert not failed(told="busy")


def test_a_call_belongs_to_an_order_that_had_come_and_had_not_ended() -> None:
    assert names({"a": order(1, 4), "b": order(5)}, call(2), call(6)) == ["a", "b"]
    assert names({"in doubt": order(1), "b": order(5, 7)}, call(6)) == ["b"]


def test_a_call_too_many_is_a_second_one_of_the_last_order() -> None:
    assert names({"a": order(1)}, call(2), call(3)) == ["a", "a"]
    assert names({"a": order(1)}, Dialled("8612000000002", 2)) == [NO_CALL]


def test_what_is_reported_is_what_the_trunk_answered() -> None:
    assert not story(486, told="busy")
    assert not story(200, told="failed")  # the answer was lost on its way
    assert story(told="busy") == ["a: reported as busy, and the trunk answered []"]
    assert story(200, told="busy") == ["a: reported as busy, and the trunk answered [200]"]


def test_what_is_taken_is_reported_once_or_in_doubt() -> None:
    assert not story(200, doubt=True)
    assert not story(taken=False)
    assert story(200) == ["a: taken by the voice gateway, and neither reported nor in doubt"]
    assert len(story(486, told="busy failed")) == 1
    assert len(story(486, told="busy", doubt=True)) == 1
