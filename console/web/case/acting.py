"""An act on a case as an input, by whoever is signed in."""

from console.web.auth.who import Who
from console.web.kit.services import Services
from schemas.casework.cases import Case
from schemas.casework.inputs import Act, OperatorReport


def acted(services: Services, who: Who, case: Case, act: Act, name: str, seen: int | None = None) -> OperatorReport:
    """The input. `name`: its id, of the form; `seen`: the version on the screen, else the case as it stands."""
    return OperatorReport(
        id=name,
        at=services.line.clock.now(),
        resident=case.resident,
        case=case.id,
        by=who.login,
        seen=case.version if seen is None else seen,
        act=act,
    )
