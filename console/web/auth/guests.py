"""Guests of the demo: an account for each role, signed in by a secret address that is valid for this run only."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from schemas.people.staff import Account, StaffRole

NAMES = {
    "demo-operator": (StaffRole.OPERATOR, "坐席（演示）"),
    "demo-officer": (StaffRole.OFFICER, "民警（演示）"),
    "demo-supervisor": (StaffRole.SUPERVISOR, "值班长（演示）"),
    "demo-supervisor-2": (StaffRole.SUPERVISOR, "接班值班长（演示）"),  # for acts that need two people
    "demo-release-desk": (StaffRole.RELEASE_DESK, "止付岗（演示）"),
    "demo-auditor": (StaffRole.AUDITOR, "审计员（演示）"),
    "demo-display": (StaffRole.DISPLAY, "大屏（演示）"),
    "demo-system-administrator": (StaffRole.SYSTEM_ADMINISTRATOR, "系统管理员（演示）"),
    "demo-security-administrator": (StaffRole.SECURITY_ADMINISTRATOR, "安全管理员（演示）"),
}


@dataclass(frozen=True, slots=True)
class Guest:
    """A secret token and the demo account that it signs in to."""

    token: str
    account: Account


def guests(now: datetime, officer: str) -> list[Guest]:
    """Return a guest for each entry of NAMES, responsible for the whole province.

    `officer`: the id of the officer whose tasks the demo's officer account sees.
    """
    return [
        Guest(
            secrets.token_urlsafe(12),
            Account(
                login=login,
                name=name,
                role=role,
                officer=officer if role is StaffRole.OFFICER else None,
                changed_at=now,
                changed_by="demo",
            ),
        )
        for login, (role, name) in NAMES.items()
    ]
