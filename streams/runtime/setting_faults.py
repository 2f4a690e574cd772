"""The faults that the checks of Kafka and Redis find in the settings of a server."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from streams.runtime.settings import SettingsError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong setting of a server (`what`), and how to correct it (`do`).

    `warns`: True if the setting loses or blocks nothing now, so that a warning is enough. `stops`: True if a worker
    refuses to start with it (not if `warns`).
    """

    what: str
    do: str
    warns: bool = False
    stops: bool = True

    def __str__(self) -> str:
        return f"{self.what}. {self.do}"


def refuse(words: str, found: Iterable[Wrong]) -> None:
    """Log each fault in `found` as a warning, and raise SettingsError if one of them stops a worker (`stops` and not
    `warns`). `words`: the beginning of the error's text.
    """
    troubles = list(found)
    for each in troubles:
        log.warning("%s", each)
    if stops := [str(each) for each in troubles if each.stops and not each.warns]:
        raise SettingsError(f"{words}:\n" + "\n".join(stops))
