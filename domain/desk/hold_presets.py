"""The usual outreach holds, each with its duration: a supervisor chooses one and may change it."""

from dataclasses import dataclass
from datetime import timedelta

from schemas.levels import Action, Channel

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class HoldPreset:
    """A usual outreach hold. `id`: its name in the console's address; the console has its texts.

    `channel`, `action`: which contacts it stops; None: any. `lasts` is short: a hold that ends too early can be
    renewed, but while a forgotten hold lasts, nobody is warned. `spare_red`: True if red cases are still contacted;
    False where a contact would do harm.
    """

    id: str
    lasts: timedelta
    channel: Channel | None = None
    action: Action | None = None
    spare_red: bool = True


PRESETS = (
    HoldPreset("sms-down", HOUR, channel=Channel.SMS),
    HoldPreset("robot-down", HOUR, action=Action.ROBOT_CALL),
    HoldPreset("wrong-text", 2 * HOUR, channel=Channel.SMS, spare_red=False),
    HoldPreset("visits-unsafe", 4 * HOUR, channel=Channel.VISIT),
)
"""The usual ones, in the order of their keys."""


def preset_of(name: str) -> HoldPreset | None:
    """Return the preset of an outreach hold with the id `name`, or None if there is none."""
    return next((preset for preset in PRESETS if preset.id == name), None)
