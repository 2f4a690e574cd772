"""The queue: the hub's rows in order, each rendered once per language and change for all pages together."""

from collections import Counter
from datetime import date
from functools import lru_cache

from console.web.kit.i18n import translations
from console.web.kit.pages import environment
from console.web.live.hub import Hub
from console.web.live.order import Order
from console.web.live.row import Row
from domain.calendar import local_date
from domain.identity import divisions
from schemas.levels import Level
from streams.installation import Installation
from streams.repositories.policies import UnknownPolicyError

ORDER_SECONDS = 30  # the order changes with time, slowly: a case that has waited half an hour counts twice
KEPT = 4096  # cached row texts, some kilobytes each


class Queue:
    """The open cases in order, and their rows as HTML.

    `scams`: key of a scam type -> its Chinese name in the policy; `people`: login of a member of staff -> their name.
    Both are empty until `refresh` reads them, which reads nothing else. The cases come from the hub.
    """

    def __init__(self, hub: Hub, line: Installation) -> None:
        self._hub, self._line = hub, line
        self.scams: dict[str, str] = {}
        self.people: dict[str, str] = {}
        self._policy = ""
        self._order = Order((), line.clock.now())
        self._ordered: tuple[int, str] = (0, "")  # the time span and the hub's mark of `_order`
        self._html: dict[tuple[str, str], tuple[int, str]] = {}  # by (language, case): (change number, text)
        self._levels: dict[str, tuple[int, Counter[Level]]] = {}  # by area: (change number, counts)

    async def refresh(self) -> None:
        """Read the names of staff, and, if another policy is in force and its text is stored, those of
        the scam types.
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
        self._policy = digest
        self._html.clear()

    def order(self) -> list[Row]:
        """Return all open cases, the most urgent first."""
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

    def levels(self, area: str) -> Counter[Level]:
        """Return the number of unsettled cases by level in an area."""
        kept = self._levels.get(area)
        if kept is None or kept[0] != self._hub.seq:
            kept = self._levels[area] = (self._hub.seq, self._hub.levels(area))
        return kept[1]

    def html(self, row: Row, language: str) -> str:
        """Return the row as an HTML fragment in a language. All values are escaped."""
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
        """Return key -> name in a language, for the scam types of the policy in force."""
        return {token: str(translations(language).gettext(name)) for token, name in self.scams.items()}

    def place(self, row: Row) -> str:
        """Return the county and street of a row's division in Chinese."""
        return place_of(row.division, local_date(self._line.clock.now()).year)

    def _rendered(self, row: Row, language: str) -> str:
        return (
            environment(language)
            .get_template("queue_row.html")
            .render(
                row=row,
                case=row.case,
                step=row.next_step,
                scam=self.scam(row, language),
                place=self.place(row),
                people=self.people,
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
