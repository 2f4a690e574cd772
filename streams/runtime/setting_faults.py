"""Wrong settings of a server, found by the checks of Kafka and Redis."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from streams.runtime.settings import SettingsError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong setting (`what`) and how to correct it (`do`).

    `warns`: it loses or blocks nothing now. `stops`: a worker does not start with it, unless `warns` is set too.
    """

    what: str
    do: str
    warns: bool = False
    stops: bool = True

    def __str__(self) -> str:
        return f"{self.what}. {self.do}"


def refuse(words: str, found: Iterable[Wrong]) -> None:
    """Log all faults, and raise SettingsError, starting with `words`, if one has `stops` and not `warns`."""
    troubles = list(found)
    for each in troubles:
        log.warning("%s", each)
    if stops := [str(each) for each in troubles if each.stops and not each.warns]:
        raise SettingsError(f"{words}:\n" + "\n".join(stops))
