"""The number that operators and officers dial: the one that automated calls dial too."""

from datetime import timedelta

from console.web.case.view import Person
from console.web.tasks.mine import phone_of
from domain.identity.identifiers import phone_at
from schemas.people.residents import Holding
from tests.domain.identity.test_identity import ANNA, NOW, resident

OWN, SHARED, COMING = "+8619900001111", "+8619900002222", "+8619900003333"


def test_the_residents_own_telephone_is_dialled_and_neither_a_shared_nor_a_future_one() -> None:
    coming = Holding(value=COMING, since=NOW + timedelta(days=1))
    somebody = resident(ANNA, coming, Holding(value=SHARED, shared=True, primary=False), Holding(value=OWN))
    assert phone_of(somebody, None, NOW) == phone_at(somebody, NOW) == OWN
    shown = Person(resident=somebody, now=NOW, place="", age=40, whole=True, left=0)
    assert (shown.dialled, shown.phones) == (OWN, [OWN, SHARED])


def test_who_has_no_telephone_now_is_not_dialled() -> None:
    former = resident(ANNA, Holding(value=OWN, until=NOW))
    assert (phone_of(former, None, NOW), phone_of(None, None, NOW)) == ("", "")
