"""The rows of a suspect's list of likely victims, as a reader of an area may see them."""

from dataclasses import dataclass

from fastapi import Request

from console.web.kit.wording import say
from domain.identity import masking
from domain.risk.upstream import ContactReach, LikelyVictim
from streams.screening.upstream import SuspectList


@dataclass(frozen=True, slots=True)
class VictimRow:
    """A likely victim. `rank`: the place on the list, from 1; `name`: masked; `reasons`: in the reader's words;
    `case`: the id of the open case, "" without one.
    """

    rank: int
    name: str
    division: str
    victim: LikelyVictim
    reasons: tuple[str, ...]
    reach: ContactReach
    case: str


def victim_rows(request: Request, found: SuspectList) -> list[VictimRow]:
    """Return the rows of a list of people in the reader's area, in its order."""
    return [
        VictimRow(
            rank=rank,
            name=masking.name(each.resident.name),
            division=each.resident.division,
            victim=each.victim,
            reasons=tuple(say(request, reason) for reason in each.victim.outlook.reasons[:2]),
            reach=each.reach,
            case=each.case.id if each.case is not None and each.case.open else "",
        )
        for rank, each in enumerate(found.listed, 1)
    ]
