"""Estimates which share of messages a carrier will deliver, from those that it has delivered to similar telephones at
the same time of day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from types import MappingProxyType
from typing import Self

from domain.calendar import JILIN

PART_HOURS = 6  # of a part of the day
RANGE = 6  # characters of a number in E.164: +86 and the three digits that tell a Chinese network
HALF_LIFE_DAYS = 2.0  # assumed: carriers' routes change within days
USUAL = 0.9  # assumed of a carrier about which nothing is known: one handset in ten is off
WEIGHT = 20.0  # messages for which the more general figure counts
ALIKE = 0.02  # shares that differ by less are alike: then the price decides


@dataclass(frozen=True, slots=True)
class DeliveryCounts:
    """How many segments got a receipt, and how many of these were delivered. An old segment counts less than a new one.

    Those without a receipt do not count: whether receipts are late is judged apart (`standing`), and soon forgotten.
    """

    receipted: float = 0.0
    delivered: float = 0.0

    def faded(self, days: float) -> Self:
        """Return the same after so many days: half after two. Time that went back changes nothing."""
        left = 0.5 ** (max(0.0, days) / HALF_LIFE_DAYS)
        return type(self)(self.receipted * left, self.delivered * left)

    def share(self, usual: float) -> float:
        """Return the share delivered, as if WEIGHT more had a receipt, and the share `usual` of them were delivered."""
        return (self.delivered + WEIGHT * usual) / (self.receipted + WEIGHT)


def message_kind(phone: str, at: datetime) -> str:
    """Return what a message has in common with similar ones: the number's range and the part of the day in Jilin, such
    as "+86138 2". It names no person: a range has a hundred million numbers. `phone`: E.164; `at`: aware.
    """
    return f"{phone[:RANGE]} {at.astimezone(JILIN).hour // PART_HOURS}"


class DeliveryRecord:
    """What carriers have delivered. `counts`: by carrier and kind of message, as `message_kind` returns it."""

    def __init__(self, counts: Mapping[tuple[str, str], DeliveryCounts] = MappingProxyType({})) -> None:
        self.counts, self._overall = counts, dict[str, DeliveryCounts]()
        for (carrier, _), each in counts.items():
            before = self._overall.get(carrier, DeliveryCounts())
            self._overall[carrier] = DeliveryCounts(
                before.receipted + each.receipted, before.delivered + each.delivered
            )

    def expected(self, carrier: str, kind: str, *, urgent: bool) -> float:
        """Return the share of messages of this kind that the carrier is expected to deliver, 0 to 1.

        Where little is known of the kind, the carrier's share of all its messages counts; where little is known of the
        carrier, USUAL. A message that is not urgent tries what is little known: its share is higher by two standard
        errors. So a carrier that has become better gets messages again, and one that is worse loses them after a few.
        """
        known = self.counts.get((carrier, kind), DeliveryCounts())
        share = min(known.share(self._overall.get(carrier, DeliveryCounts()).share(USUAL)), 1.0)
        unsure = 0.0 if urgent else 2 * sqrt(share * (1 - share) / (known.receipted + WEIGHT))
        return min(share + unsure, 1.0)
