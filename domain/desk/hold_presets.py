"""The usual outreach holds, each with its reason and duration: a supervisor chooses one and changes what differs."""

from dataclasses import dataclass
from datetime import timedelta

from schemas.levels import Action, Channel

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class HoldPreset:
    """A usual hold. `id`: its name in the address; `words` and `reason`: Chinese, translated where it is shown.

    `lasts` is short: a hold that ends by itself too early is renewed, one that is forgotten warns nobody. Red cases are
    spared, except where a contact would do harm.
    """

    id: str
    words: str
    reason: str
    lasts: timedelta
    channel: Channel | None = None
    action: Action | None = None
    spare_red: bool = True


PRESETS = (
    HoldPreset("sms-down", "短信通道故障", "短信通道故障，等待运营商恢复", HOUR, channel=Channel.SMS),
    HoldPreset("robot-down", "智能外呼故障", "智能外呼线路故障，等待修复", HOUR, action=Action.ROBOT_CALL),
    HoldPreset(
        "wrong-text", "短信内容有误", "短信模板内容有误，修改后再发", 2 * HOUR, channel=Channel.SMS, spare_red=False
    ),
    HoldPreset("visits-unsafe", "天气或道路不宜上门", "恶劣天气或道路中断，暂停上门", 4 * HOUR, channel=Channel.VISIT),
)
"""The usual ones, in the order of their keys."""


def preset_of(name: str) -> HoldPreset | None:
    """Return the preset of an id, or None."""
    return next((preset for preset in PRESETS if preset.id == name), None)
