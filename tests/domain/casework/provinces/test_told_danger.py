"""What another province tells of the danger adds to what is known here, and takes none of it away."""

from datetime import timedelta

import pytest

from schemas.casework.acts import LowerAct
from schemas.casework.cases import Danger
from schemas.casework.events import FactKind
from schemas.casework.inputs import TakeOver
from schemas.casework.provinces import ProvinceGround
from schemas.codes.danger import CombinedEvidence, DangerSeen
from schemas.levels import Level
from schemas.people.staff import StaffRole
from tests.domain.builders import NOON, RESIDENT, Line, alert, danger, profile
from tests.domain.casework.provinces.provinceworld import THERE, with_rules

MINUTE = timedelta(minutes=1)
KNOWN, TOLD = CombinedEvidence("a call that goes on"), CombinedEvidence("seen there")
HERE_DANGER = danger(Level.RED, exposure=5_000_000, call_since=NOON - MINUTE, of=[KNOWN]).model_copy(
    update={"campaign": "here", "probability": 0.9}
)


def told(level: Level, offer: str = "raaaaaaaaaaaaaaaz-1:province.1", **changes: object) -> TakeOver:
    """Another province hands the resident over, at this level, with a type of scam and a campaign of its own."""
    own = {"scam_type": "brushing", "campaign": "there", **changes}
    return TakeOver(
        id=f"take:{offer}:{level}",
        at=NOON + MINUTE,
        resident=RESIDENT,
        province=THERE,
        offer=offer,
        other_case="raaaaaaaaaaaaaaaz-1",
        ground=ProvinceGround.LIVES,
        danger=danger(level, of=[TOLD]).model_copy(update=own),
        profile=profile(),
    )


def known(level: Level = Level.RED, of: Danger = HERE_DANGER) -> Line:
    line = Line()
    with_rules(line)
    line.give(alert(level).model_copy(update={"danger": of.model_copy(update={"level": level})}))
    line.now = NOON + MINUTE
    return line


@pytest.mark.parametrize("level", [Level.BLUE, Level.YELLOW, Level.RED])
def test_a_hand_over_that_is_not_graver_adds_its_reasons_and_changes_nothing_that_is_known(level: Level) -> None:
    line = known()
    line.give(told(level))
    here = line.here.danger
    assert line.here.level is Level.RED
    assert (here.scam_type, here.campaign, here.call_since) == ("impersonated_police", "here", NOON - MINUTE)
    assert (here.probability, here.exposure_fen, here.reasons) == (0.9, 5_000_000, [KNOWN, TOLD])
    assert DangerSeen((TOLD,)) in line.facts(FactKind.EVIDENCE)


def test_a_graver_hand_over_brings_its_type_of_scam_and_the_call_here_is_still_known() -> None:
    line = known(Level.YELLOW)
    line.give(told(Level.RED, exposure_fen=9_000_000))
    here = line.here.danger
    assert (line.here.level, here.scam_type, here.reasons) == (Level.RED, "brushing", [TOLD, KNOWN])
    assert (here.call_since, here.exposure_fen, here.campaign) == (NOON - MINUTE, 9_000_000, "here")


def test_a_campaign_of_another_province_is_none_here() -> None:
    line = Line()
    with_rules(line)
    line.give(told(Level.ORANGE))
    assert (line.here.level, line.here.danger.scam_type, line.here.danger.campaign) == (Level.ORANGE, "brushing", None)


def test_a_level_that_a_person_has_lowered_is_not_raised_by_a_milder_hand_over() -> None:
    line = known()
    line.act(LowerAct(level=Level.YELLOW, reason="the payee is her son"), "sun", role=StaffRole.SUPERVISOR)
    line.give(told(Level.YELLOW))
    assert line.here.level is Level.YELLOW
