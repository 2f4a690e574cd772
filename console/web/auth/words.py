"""Chinese names of roles and areas, which are translated when they are shown."""

from datetime import date

from domain.identity.divisions import name_of
from schemas.administration.audit import RevealReason
from schemas.people.staff import Scope, StaffRole

N_ = str
"""Marks a text for the extraction of translations; the text is translated where it is shown."""

ROLES = {
    StaffRole.OPERATOR: N_("坐席"),
    StaffRole.OFFICER: N_("民警"),
    StaffRole.SUPERVISOR: N_("值班长"),
    StaffRole.RELEASE_DESK: N_("止付岗"),
    StaffRole.AUDITOR: N_("审计员"),
    StaffRole.SYSTEM_ADMINISTRATOR: N_("系统管理员"),
    StaffRole.SECURITY_ADMINISTRATOR: N_("安全管理员"),
    StaffRole.DISPLAY: N_("大屏"),
    StaffRole.SERVICE: N_("服务账号（程序）"),
}
SCOPES = {
    Scope.READ_CASES: N_("读取预警"),
    Scope.FOLLOW_CASES: N_("接收预警动态"),
    Scope.WORDS: N_("读取文字（人员所写的备注和理由，号码已隐去）"),
    Scope.NOTE: N_("备注"),
    Scope.RING: N_("通知来电（电话交换机）"),
    Scope.ACT: N_("处置预警（解除、确认、降级、办结除外）"),
}
REVEAL_REASONS = {
    RevealReason.CALLING: N_("致电当事人或亲友"),
    RevealReason.VISITING: N_("上门见面"),
    RevealReason.STOPPING: N_("办理止付或解除"),
    RevealReason.ANSWERING: N_("答复来电或投诉"),
    RevealReason.CHECKING: N_("督导复核"),
    RevealReason.OTHER: N_("其他（请写明）"),
}
EVERYWHERE = N_("全省")
TOO_OFTEN = N_("尝试次数太多。请过一会儿再试。")


def place(area: str, on: date) -> str:
    """Return the Chinese name of an area (a prefix of division codes), by the register of the day `on`; EVERYWHERE for
    "".
    """
    return name_of(area.ljust(6, "0"), on) if area else EVERYWHERE
