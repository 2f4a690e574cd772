"""Names campaigns as people speak of them: the scam, the place and since when. Their ids are a detail beside."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from console.web.auth.who import Who
from console.web.kit.services import Services
from console.web.rosters import areas
from domain.calendar import local_date
from domain.desk.incidents import outline
from domain.wording import labels
from schemas.casework.cases import Case
from schemas.people.incidents import Incident


class CampaignName(NamedTuple):
    """What a campaign is called on pages. `scam`, `place`: in Chinese, `scam` "" if unknown; `more`: the number of its
    counties besides `place`; `since`: when its first open case was opened, or its incident declared (UTC); None if
    neither is known.
    """

    id: str
    scam: str
    place: str
    more: int
    since: datetime | None


def campaign_names(
    made: Services, who: Who, campaigns: Iterable[str] = (), incidents: Iterable[Incident] = ()
) -> dict[str, CampaignName]:
    """Return a name for each of `campaigns` (ids) and for the campaign of each of `incidents`, by the campaign's id.

    A name tells what the campaign's open cases in the person's area have in common. If there are none, it tells the
    area and the time of the incident, or only the person's area.
    """
    declared = {each.campaign: each for each in incidents}
    found: defaultdict[str, list[Case]] = defaultdict(list)
    wanted = {*campaigns, *declared}
    if not wanted:
        return {}
    for row in made.hub.rows.values():
        if row.case.danger.campaign in wanted and who.sees(row.division):
            found[str(row.case.danger.campaign)].append(row.case)
    return {name: _name(made, name, who.area, found[name], declared.get(name)) for name in wanted}


def _name(made: Services, name: str, area: str, cases: list[Case], incident: Incident | None) -> CampaignName:
    on = local_date(made.line.clock.now())
    if not cases:
        return CampaignName(
            name, "", areas.name(incident.area if incident else area, on), 0, incident.at if incident else None
        )
    seen = outline(cases)
    scam = labels.scam(made.queue.scams.get(seen.scam_type, seen.scam_type))
    return CampaignName(name, scam, areas.name(seen.counties[0], on), len(seen.counties) - 1, seen.since)
