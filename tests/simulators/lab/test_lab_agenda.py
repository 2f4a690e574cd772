from datetime import timedelta

import pytest

from simulators.lab.agenda import LAST, NEVER, Agenda
from simulators.world.province import START

MINUTE = timedelta(minutes=1)


def test_things_are_done_in_the_order_of_their_time_and_of_one_moment_as_they_were_put_in() -> None:
    agenda, done = Agenda(START), list[str]()
    agenda.at(START + MINUTE, lambda: done.append("a look at all of it"), LAST)
    agenda.at(START + MINUTE, lambda: done.append("second"))
    agenda.at(START + MINUTE, lambda: done.append("third"))
    agenda.at(START, lambda: done.append("first"))
    while agenda.next_at < NEVER:
        agenda.step()
    assert done == ["first", "second", "third", "a look at all of it"]
    assert agenda.now == START + MINUTE


def test_what_should_have_been_done_before_is_done_now() -> None:
    agenda = Agenda(START)
    agenda.at(START - MINUTE, lambda: None)
    agenda.step()
    assert agenda.now == START


def test_an_empty_agenda_says_so() -> None:
    with pytest.raises(IndexError):
        Agenda(START).step()
