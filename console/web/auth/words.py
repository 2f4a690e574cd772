"""What accounts are called on the screen, in Chinese, as in a template."""

from datetime import date

from domain.identity.divisions import name_of
from schemas.people.staff import StaffRole

N_ = str
"""Marks a text that is translated where it is shown, for who looks for texts without a translation."""

ROLES = {
    StaffRole.OPERATOR: N_("劝阻员"),
    StaffRole.OFFICER: N_("民警"),
    StaffRole.SUPERVISOR: N_("值班长"),
    StaffRole.RELEASE_DESK: N_("解除专员"),
    StaffRole.AUDITOR: N_("审计员"),
    StaffRole.ADMINISTRATOR: N_("系统管理员"),
    StaffRole.DISPLAY: N_("大屏"),
}
EVERYWHERE = N_("全省")
TOO_OFTEN = N_("尝试次数太多。请过一会儿再试。")


def place(area: str, on: date) -> str:
    """The area that somebody is responsible for, by name."""
    return name_of(area.ljust(6, "0"), on) if area else EVERYWHERE
