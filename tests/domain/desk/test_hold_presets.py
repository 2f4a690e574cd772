"""The usual holds: short, named, and each with a criterion, so that none of them stops everything."""

from datetime import timedelta

from domain.casework.holds import stops_all
from domain.desk.hold_presets import PRESETS, preset_of
from schemas.casework.inputs import Hold
from schemas.levels import Channel
from tests.domain.builders import NOON


def test_no_preset_stops_all_contact_or_a_stop_payment() -> None:
    for preset in PRESETS:
        named = {"channel": preset.channel, "action": preset.action, "spare_red": preset.spare_red}
        hold = Hold.model_validate({"id": "h", "by": "li", "reason": "the gateway is down", "until": NOON, **named})
        assert not stops_all(hold)
        assert hold.channel is not Channel.PAYMENT
        assert preset.action is None or preset.action.channel is not Channel.PAYMENT


def test_each_ends_by_itself_within_a_shift_and_has_a_name_of_its_own() -> None:
    assert all(timedelta(minutes=30) <= preset.lasts <= timedelta(hours=8) for preset in PRESETS)
    assert len({preset.id for preset in PRESETS}) == len(PRESETS)
    assert [preset_of(preset.id) for preset in PRESETS] == list(PRESETS)
    assert preset_of("nothing") is None
