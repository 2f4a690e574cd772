"""Guests of the demo: an account for each role, signed in by a secret address that is valid for this run only."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from schemas.people.staff import Account, StaffRole

NAMES = {
    "demo-operator": (StaffRole.OPERATOR, "张三"),
    "demo-officer": (StaffRole.OFFICER, "李四"),
    "demo-supervisor": (StaffRole.SUPERVISOR, "王五"),
    "demo-supervisor-2": (StaffRole.SUPERVISOR, "赵六"),  # for acts that need two people
    "demo-release-desk": (StaffRole.RELEASE_DESK, "孙七"),
    "demo-auditor": (StaffRole.AUDITOR, "周八"),
    "demo-display": (StaffRole.DISPLAY, "大屏（演示）"),
    "demo-system-administrator": (StaffRole.SYSTEM_ADMINISTRATOR, "吴九"),
    "demo-security-administrator": (StaffRole.SECURITY_ADMINISTRATOR, "郑十"),
}

"""The role and the name of each guest, by login. The names are placeholders; as a role is none, a page in another
language shows the role in its own words.
"""


SIMULATED = {
    **{f"operator-{number}": (StaffRole.OPERATOR, f"陈{which}") for number, which in enumerate("甲乙丙丁戊己", 1)},
    **{f"release-{number}": (StaffRole.RELEASE_DESK, f"林{which}") for number, which in enumerate("甲乙", 1)},
}
"""The role and the name of people whom the demo simulates, by login, for its pages. Nobody signs in as one of them."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A secret token and the demo account that it signs in to."""

    token: str
    account: Account


def guests(now: datetime, officer: str) -> list[Guest]:
    """Return a guest for each entry of NAMES, in that order, with a new token and the whole province as area.

    `officer`: the id of the officer whose tasks the demo's officer account sees.
    """
    return [
        Guest(
            secrets.token_urlsafe(16),
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


def simulated(now: datetime) -> list[Account]:
    """Return an account without a password for each entry of SIMULATED, made at `now`."""
    return [
        Account(login=login, name=name, role=role, changed_at=now, changed_by="demo")
        for login, (role, name) in SIMULATED.items()
    ]
