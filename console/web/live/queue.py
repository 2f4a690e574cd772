"""The queue: the hub's rows in order, each rendered once per language and change for all pages together."""

from collections import Counter
from collections.abc import Callable, Collection
from datetime import date
from functools import lru_cache

from console.web.kit.i18n import translations
from console.web.kit.pages import environment
from console.web.live.hub import Hub
from console.web.live.order import Order
from console.web.live.row import Row
from domain.calendar import local_date
from domain.casework import shield_of
from domain.desk.open_deadline import expires_soon
from domain.identity import divisions
from domain.policy.risk import ShieldRules
from schemas.levels import Level
from streams.installation import Installation
from streams.repositories.policies import UnknownPolicyError

ORDER_SECONDS = 30  # the order changes with time, slowly: a case that has waited half an hour counts twice
EXPIRING_SECONDS = 5
SOONEST = 6  # cases in the line above the ranking
KEPT = 4096  # cached row texts, some kilobytes each


class Queue:
    """The open cases in order, and their rows as HTML.

    `scams`: the policy's Chinese names of scam types by key; `people`: the names of staff by login. Both are empty
    until `refresh` has read them. The cases come from the hub.
    """

    def __init__(self, hub: Hub, line: Installation) -> None:
        self._hub, self._line = hub, line
        self.scams: dict[str, str] = {}
        self.people: dict[str, str] = {}
        self._policy = ""
        self._shield: ShieldRules | None = None  # of the policy in force
        self._order = Order((), line.clock.now())
        self._ordered: tuple[int, str] = (0, "")  # the time span and the hub's mark of `_order`
        self._html: dict[tuple[str, str], tuple[int, str]] = {}  # by (language, case): (change number, text)
        self._day = local_date(line.clock.now())  # on which the texts of `_html` were rendered
        self._levels: dict[str, tuple[int, Counter[Level]]] = {}  # by area: (change number, counts)
        self._expiring: dict[str, tuple[int, list[Row]]] = {}  # by area: (time span, rows)

    async def refresh(self) -> None:
        """Read the names of staff; if another policy is in force and its text is stored, read also the names of its
        scam types and its shield. Raises PolicyError if the policy is invalid, and OSError if the settings' file must
        be read and cannot. Errors of Kafka and Redis pass through.
        """
        people = await self._line.staff.names()
        if people != self.people:
            self.people = people
            self._html.clear()
        standing = await self._line.policies.in_force()
        digest = standing.policy if standing else ""
        if self.scams and digest == self._policy:
            return
        try:
            policy = await (self._line.policies.get(digest) if digest else self._line.policies.default())
        except UnknownPolicyError:  # its text is lost: the queue is shown with the names known before
            return
        self.scams = {token: scam.name for token, scam in policy.risk.scams.items()}
        self._shield = policy.shield
        self._policy = digest
        self._html.clear()

    def order(self) -> list[Row]:
        """Return all open cases, the most urgent first. The order is made anew every ORDER_SECONDS (30) of the
        installation's clock; in between, only changed cases move.
        """
        now = self._line.clock.now()
        span = int(now.timestamp() // ORDER_SECONDS)
        before, mark = self._ordered
        missed = self._hub.since(mark) if span == before else None
        if missed is None:
            self._order = Order(self._hub.rows.values(), now)
        for row in missed or ():
            self._order.put(row)
        self._ordered = (span, self._hub.mark)
        return self._order.rows.copy()

    def places(self, ids: Collection[str], sees: Callable[[str], bool]) -> dict[str, int]:
        """Return by id the place of each of these open cases in the queue of a person who sees the divisions for which
        `sees` is true; the first place is 1.
        """
        wanted, found, place = set(ids), dict[str, int](), 0
        for row in self.order() if wanted else ():
            if not sees(row.division):
                continue
            place += 1
            if row.id in wanted:
                found[row.id] = place
                if len(found) == len(wanted):
                    break
        return found

    def levels(self, area: str) -> Counter[Level]:
        """Return by level the number of the area's open cases that are not settled (neither dissuaded nor false
        alarms); 0 for a level without any. `area`: a prefix of division codes, "" for the province.
        """
        kept = self._levels.get(area)
        if kept is None or kept[0] != self._hub.seq:
            kept = self._levels[area] = (self._hub.seq, self._hub.levels(area))
        return kept[1]

    def expiring(self, area: str) -> int:
        """Return the number of unsettled cases in an area whose nearest deadline is overdue or expires within a minute.
        `area`: a prefix of division codes, "" for the province. They are counted anew every EXPIRING_SECONDS (5).
        """
        return len(self._soonest(area))

    def soonest(self, area: str, language: str) -> str:
        """Return the line above the ranking as HTML: the cases that `expiring` counts, the earliest deadline first, at
        most SOONEST (6) of them; "" without any. All values are escaped.
        """
        found = self._soonest(area)
        if not found:
            return ""
        template = environment(language).get_template("queue_soonest.html")
        return template.render(soonest=found[:SOONEST], more=len(found) - SOONEST)

    def _soonest(self, area: str) -> list[Row]:
        """Return the rows that `expiring` counts, the earliest deadline first; looked for anew after EXPIRING_SECONDS
        (5) of the installation's clock.
        """
        now = self._line.clock.now()
        span = int(now.timestamp() // EXPIRING_SECONDS)
        kept = self._expiring.get(area)
        if kept is None or kept[0] != span:
            rows = (row for row in self._hub.rows.values() if row.division.startswith(area))
            soon = [row for row in rows if expires_soon(row.deadline, now) and not row.case.settled]
            soon.sort(key=lambda row: (row.deadline.at if row.deadline else now, row.id))
            kept = self._expiring[area] = (span, soon)
        return kept[1]

    def html(self, row: Row, language: str) -> str:
        """Return the row as an HTML fragment in a language. All values are escaped."""
        today = local_date(self._line.clock.now())
        if today != self._day:  # its moments are shown with the day from now on
            self._html.clear()
            self._day = today
        name = (language, row.id)
        kept = self._html.get(name)
        if kept is None or kept[0] != row.seq:
            self._html.pop(name, None)
            while len(self._html) >= KEPT:
                del self._html[next(iter(self._html))]
            kept = self._html[name] = (row.seq, self._rendered(row, language))
        return kept[1]

    def scam(self, row: Row, language: str) -> str:
        """Return the name of the row's scam type in a language; its key if the policy in force does
        not have the type.
        """
        name = self.scams.get(row.case.danger.scam_type, row.case.danger.scam_type)
        return str(translations(language).gettext(name))

    def scam_types(self, language: str) -> dict[str, str]:
        """Return the names of the scam types in a language by key, for the policy in force."""
        return {token: str(translations(language).gettext(name)) for token, name in self.scams.items()}

    def place(self, row: Row) -> str:
        """Return the county and, for a 9-digit code, the street of a row's division in Chinese: 南关区 南岭街道."""
        return place_of(row.division, local_date(self._line.clock.now()).year)

    def _rendered(self, row: Row, language: str) -> str:
        return (
            environment(language)
            .get_template("queue_row.html")
            .render(
                row=row,
                case=row.case,
                step=row.next_step,
                due=row.deadline,
                shield=shield_of(row.case, self._shield, self._line.clock.now()),
                scam=self.scam(row, language),
                place=self.place(row),
                people=self.people,
                now=self._line.clock.now(),
            )
        )


@lru_cache(maxsize=4096)
def place_of(code: str, year: int) -> str:
    """Return a division's county and, for a 9-digit code, its street in Chinese: 南关区 南岭街道. Names are of the
    given year.
    """
    on = date(year, 1, 1)
    names = [divisions.name_of(code[:6], on)]
    if len(code) == 9:
        names.append(divisions.name_of(code, on))
    return " ".join(names)
