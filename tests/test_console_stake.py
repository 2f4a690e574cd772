"""The money at stake on pages: what is known to be under way, or an estimate that is marked as one."""

from domain.casework.triage import estimated, stake
from schemas.levels import Level
from schemas.risk.signals import TransferState
from tests.domain.builders import Line, danger, payment


def test_what_is_under_way_is_shown_and_is_no_estimate() -> None:
    line = Line()
    line.alert(Level.RED, payment(amount=30_000), found=danger(Level.RED, exposure=5_230_000))
    assert (stake(line.here), estimated(line.here)) == (30_000, False)


def test_without_a_payment_under_way_the_exposure_is_shown_as_an_estimate() -> None:
    line = Line()
    paid = payment(state=TransferState.SETTLED)
    line.alert(Level.RED, paid, found=danger(Level.RED, exposure=5_200_000))
    assert (stake(line.here), estimated(line.here)) == (5_200_000, True)
