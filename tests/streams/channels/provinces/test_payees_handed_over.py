"""What another province learns of the payees of a case that is handed over, and what it believes of it."""

from collections.abc import Iterable, Mapping
from typing import cast

import pytest

from domain.casework.orders.records import may_propose
from schemas.casework.cases import Payment
from schemas.casework.reported import ReportedPayment
from schemas.levels import Level
from schemas.people.residents import Holding, Occupation, ReportSource, Resident, Sex
from schemas.risk.evidence import WatchStatus
from streams.channels.provinces.person import ResidentFinder
from streams.channels.provinces.request import handover_of
from streams.repositories.residents.register import Asked, Residents
from tests.domain.builders import NOON, Line, danger, payment, profile
from tests.domain.casework.provinces.provinceworld import offered, sender

TOLD = ReportedPayment(source=ReportSource.HOTLINE, report="f1", told_in="c1")


class NobodyKnown:
    """A register without anybody."""

    async def holders(self, asked: Iterable[Asked]) -> list[list[str]]:
        return [[] for _ in asked]

    async def standing(self, ids: Iterable[str]) -> Mapping[str, Resident]:
        return {}


async def arrived(told: Payment) -> Payment:
    """The payment as the other province has it."""
    line = sender()
    line.case = line.here.model_copy(update={"payments": [told]})
    out = offered(line)
    assert out is not None
    assert out.offer is not None
    request = handover_of(out, out.offer, line.here, resident(), {told.payee: "6222020200012345678"}, NOON)
    there = ResidentFinder(cast("Residents", NobodyKnown()), b"the other province's own secret!")
    entered = await there.person("jilin", request, NOON)
    assert entered is not None
    return entered.payments[0]


def resident() -> Resident:
    return Resident(
        id="raaaaaaaaaaaaaaaa",
        name="某某",
        phones=[Holding(value="+8619911000001")],
        birth_year=1958,
        sex=Sex.FEMALE,
        occupation=Occupation.RETIRED,
        division="220104",
    )


def plans_an_order(found: Payment) -> bool:
    line = Line()
    line.alert(Level.RED, found, of=profile(contacts=1), found=danger(Level.RED).model_copy(update={"reasons": []}))
    return may_propose(line.here, line.here.payments[0])


@pytest.mark.parametrize("watched", [None, WatchStatus.CONFIRMED, WatchStatus.RATED, WatchStatus.LIFTED])
async def test_a_payee_that_was_not_merely_reported_is_not_called_so(watched: WatchStatus | None) -> None:
    found = await arrived(payment(watched=watched))
    assert found.watched is None, "never confirmed from outside"
    assert plans_an_order(found)


async def test_a_payee_that_was_merely_reported_stays_so() -> None:
    found = await arrived(payment(watched=WatchStatus.REPORTED))
    assert found.watched is WatchStatus.REPORTED
    assert not plans_an_order(found)


async def test_a_payment_that_the_resident_told_needs_no_other_evidence() -> None:
    told = payment(watched=WatchStatus.REPORTED).model_copy(update={"reported": TOLD})
    assert plans_an_order(await arrived(told))
