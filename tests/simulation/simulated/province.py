"""The other province of a schedule: it takes cases over, refuses, answers what nobody can read, and keeps a book.

It knows a repeated offer by the offer's id, as the product's own receiver does. What it has taken it never denies,
unless the schedule has it lie.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx

from schemas.casework.provinces import OfferRefusal
from tests.simulation.laws.observed import TakenThere, ToldThere

if TYPE_CHECKING:
    from tests.simulation.simulated.world import World

PROVINCE = "province"
ADDRESS = f"https://{PROVINCE}"
LIES = ("denies", "garbled", "refuses", "not_yet")  # of these, only "refuses" is said without taking the case
UNREADABLE = "no number"  # stands where the number of a case belongs
_STRANGERS = "r" + "z" * 16


class OtherProvince:
    """Takes cases over. `told`: all that reached it; `taken`: the cases that it has opened, by offer; `denied`: offers
    that it has refused.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.told: list[ToldThere] = []
        self.taken: dict[str, TakenThere] = {}
        self.denied: set[str] = set()

    def take(self, dispatch: str, order: dict[str, Any]) -> bool:
        """Note what is told, and open a case for an offer that is new. Returns whether it opened one."""
        offer, level, payments = str(order["offer"]), str(order["danger"]["level"]), len(order["payments"])
        at, known = self._world.true(), offer in self.taken
        self.told.append(ToldThere(dispatch, offer, at, level, payments, asks=bool(order["asks"])))
        if known or self._refusal(order):
            return False
        self.taken[offer] = TakenThere(offer, f"{_STRANGERS}-{len(self.taken) + 1}", at)
        return True

    def answer(self, fault: str, order: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """What it answers; a lie, or a refusal out of nothing, where the schedule has it so."""
        taken = self.taken.get(str(order["offer"]))
        if fault == "garbled":
            return httpx.codes.OK, {"case": UNREADABLE}
        if fault == "not_yet":
            return httpx.codes.SERVICE_UNAVAILABLE, {"reason": "not taken yet: send it again"}
        if fault == "denies":
            self.denied.add(str(order["offer"]))
            return httpx.codes.CONFLICT, {"refused": OfferRefusal.NOT_TAKING.value}
        if taken is not None:
            return httpx.codes.OK, {"case": taken.case}
        self.denied.add(str(order["offer"]))
        refusal = self._refusal(order) or OfferRefusal.NO_TELEPHONE
        return httpx.codes.CONFLICT, {"refused": refusal.value}

    def _refusal(self, order: dict[str, Any]) -> OfferRefusal | None:
        """Why a new offer is not taken: its deadline is over, or the sender only asks."""
        late = self._world.now() >= datetime.fromisoformat(str(order["until"]))
        return OfferRefusal.TOO_LATE if order["asks"] or late else None
