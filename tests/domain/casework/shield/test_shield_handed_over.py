"""A shield goes with a case that is handed over, and what another province tells shortens no protection."""

from datetime import timedelta

import pytest

from schemas.casework.events import FactKind
from schemas.casework.inputs import TakeOver
from schemas.casework.provinces import ProvinceGround
from schemas.codes.danger import LostBefore
from schemas.levels import Level
from schemas.risk.evidence import PriorLoss
from streams.channels.provinces.receiving import _noted
from streams.channels.provinces.request import handover_of
from tests.domain.builders import NOON, Line, danger, profile
from tests.domain.casework.provinces.provinceworld import HERE, THERE_RESIDENT, Receiver, offered, sender
from tests.domain.casework.shield.test_shielding import after_loss
from tests.streams.channels.provinces.test_payees_handed_over import resident

DAY = timedelta(days=1)
LOSS = PriorLoss(at=NOON - 10 * DAY, scam_type="brushing", shielded_until=NOON + 80 * DAY)


def given(loss: PriorLoss | None) -> TakeOver:
    return TakeOver(
        id="t1",
        at=NOON,
        resident=THERE_RESIDENT,
        province=HERE,
        offer="raaaaaaaaaaaaaaaa-1:province.1",
        other_case="raaaaaaaaaaaaaaaa-1",
        ground=ProvinceGround.LIVES,
        danger=danger(Level.ORANGE),
        profile=profile(),
        prior_loss=loss,
    )


def kinds(line: Line) -> set[FactKind]:
    return {fact.kind for decision in line.decisions for fact in decision.facts}


def test_the_request_tells_the_loss_of_the_case() -> None:
    line = sender()
    line.case = line.here.model_copy(update={"prior_loss": LOSS})
    out = offered(line)
    assert out is not None
    assert out.offer is not None
    assert handover_of(out, out.offer, line.here, resident(), {}, NOON).prior_loss == LOSS
    assert _noted(given(LOSS)).prior_loss is None, "of what is refused, nothing is kept"


def test_the_receiver_shields_the_resident_says_so_and_counts_no_loss_of_its_own() -> None:
    there = Receiver()
    there.give(given(LOSS))
    assert there.here.prior_loss == LOSS
    told = [fact.what for decision in there.decisions for fact in decision.facts if fact.kind is FactKind.NOTE]
    assert LostBefore(LOSS.at, NOON + 80 * DAY) in told
    assert not kinds(there) & {FactKind.SHIELDED, FactKind.UNSHIELDED, FactKind.LOST_AGAIN_SHIELDED}


@pytest.mark.parametrize(
    "told",
    [
        None,
        PriorLoss(at=NOON, scam_type="brushing"),
        PriorLoss(at=NOON - 4_000 * DAY, scam_type="brushing", shielded_until=NOON + 4_000 * DAY),
        PriorLoss(at=NOON + DAY, scam_type="brushing", shielded_until=NOON + 2 * DAY),
    ],
    ids=["none", "without a shield", "long ago", "for a day"],
)
def test_a_hostile_province_shortens_no_shield(told: PriorLoss | None) -> None:
    line = after_loss()
    known = line.here.prior_loss
    assert known is not None
    line.give(given(told).model_copy(update={"resident": line.here.resident}))
    assert line.here.prior_loss == known


def test_a_loss_of_the_future_is_known_since_now() -> None:
    there = Receiver()
    there.give(given(LOSS.model_copy(update={"at": NOON + 500 * DAY, "shielded_until": NOON + 900 * DAY})))
    assert there.here.prior_loss is not None
    assert there.here.prior_loss.at == NOON
