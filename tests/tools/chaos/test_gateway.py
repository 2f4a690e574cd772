"""The messages on the wire, matched with the orders of the SMS gateway."""

from simulators.world.province import START
from streams.runtime.clock import Clock
from tests.tools.chaos.gateway import UNKNOWN, Ordered, first_text, matched
from tests.tools.gateway.rig import Wired

CLOCK = Clock(60, 1_000.0, START)
PHONE, TEXT = "+8612000000001", "警" * 80


def wired(text: str, phone: str = PHONE, segment: int = 0) -> Wired:
    """A message in UCS-2 on the wire, whole (0) or a segment of a longer one."""
    content = text.encode("utf-16-be")
    if segment:
        content = bytes([5, 0, 3, 7, 2, segment]) + content
    return Wired(1, "1", 8, 0x40 if segment else 0, phone, content, "1000500")


def orders(*names: str) -> dict[str, Ordered]:
    return {name: Ordered(PHONE, TEXT, "sms", START) for name in names}


def test_a_long_message_is_one_contact_of_its_order() -> None:
    both = [wired(TEXT[:66], segment=1), wired(TEXT[66:], segment=2)]
    assert [first_text(each) for each in both] == [TEXT[:66], None]
    (contact,) = matched(orders("a"), both, CLOCK)
    assert (contact.dispatch, contact.said) == ("a", TEXT[:66])
    assert contact.at == (START.replace(second=30)).isoformat()


def test_equal_orders_have_a_message_each_and_one_more_is_one_sent_twice() -> None:
    assert [each.dispatch for each in matched(orders("a", "b"), [wired(TEXT)] * 2, CLOCK)] == ["a", "b"]
    assert [each.dispatch for each in matched(orders("a"), [wired(TEXT)] * 2, CLOCK)] == ["a", "a"]


def test_a_message_that_nobody_ordered_belongs_to_no_dispatch() -> None:
    assert [each.dispatch for each in matched(orders("a"), [wired(TEXT, "+8612000000002")], CLOCK)] == [UNKNOWN]
