"""Builds the case input for an act of the signed-in person."""

from console.web.auth.who import Who
from console.web.kit.services import Services
from schemas.casework.acts import Act
from schemas.casework.cases import Case
from schemas.casework.inputs import OperatorReport


def acted(services: Services, who: Who, case: Case, act: Act, name: str, seen: int | None = None) -> OperatorReport:
    """Return the act as an OperatorReport at the present time, not written yet.

    `name`: the input's id; `seen`: the case version that the person saw, None: the case's present version.
    """
    return OperatorReport(
        id=name,
        at=services.line.clock.now(),
        resident=case.resident,
        case=case.id,
        by=who.login,
        role=who.role,
        seen=case.version if seen is None else seen,
        act=act,
    )
