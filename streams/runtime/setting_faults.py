"""What is wrong with a server's settings, in words."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from streams.runtime.settings import SettingsError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wrong:
    """A setting that is not as it must be, and what to do.

    `warns`: nothing is lost or held up by it now. `stops`: a worker does not start with it.
    """

    what: str
    do: str
    warns: bool = False
    stops: bool = True

    def __str__(self) -> str:
        return f"{self.what}. {self.do}"


def refuse(words: str, found: Iterable[Wrong]) -> None:
    """Raises SettingsError that tells of what must not be; the rest is told in the log."""
    troubles = list(found)
    for each in troubles:
        log.warning("%s", each)
    if stops := [str(each) for each in troubles if each.stops and not each.warns]:
        raise SettingsError(f"{words}:\n" + "\n".join(stops))
