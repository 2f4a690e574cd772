"""Processes beside the workers that change records of a compacted table, as consoles do: by the product's own code.

Each change is written down: what it says, when it began, and when its caller was told that it is done, or that it
failed. A caller that dies is told nothing more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.people.places import PlaceKind, PublicPlace
from streams.runtime.tasks import TRANSIENT
from tests.simulation.laws.observed import Change
from tests.simulation.simulated import worker
from tests.simulation.simulated.loop import PART

if TYPE_CHECKING:
    from streams.installation import Installation
    from tests.simulation.simulated.loop import Node
    from tests.simulation.simulated.world import World

TABLE = "places"
HERE = "220102001"


class Offices:
    """The offices of a schedule. `changes`: all that they began, in order."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lines: dict[Node, Installation] = {}
        self.changes: list[Change] = []

    def change(self, office: str, name: str, n: int) -> None:
        """An office begins to write change number `n` of the record `name`. It runs as long as it takes."""
        node = self._world.node(office)
        if not node.frozen:
            self._world.loop.spawn(self._changed(node, name, n), node)

    async def _changed(self, node: Node, name: str, n: int) -> None:
        PART.set("office")
        world, number = self._world, len(self.changes)
        self.changes.append(change := Change(TABLE, name, f"{name}, change {n}", node.name, world.true()))
        world.tell(node.name, f"begins change {n} of {name}")
        try:
            line = await self._line(node)
            await line.places.change(name, lambda _: _place(name, change.text))
        except TRANSIENT as error:
            self.changes[number] = change.told(world.true(), done=False)
            world.tell(node.name, f"gives change {n} of {name} up: {error!r}")
        except Exception as error:
            world.failures.append(f"{node.name}: {error!r}")
        else:
            self.changes[number] = change.told(world.true(), done=True)
            world.tell(node.name, f"has made change {n} of {name}")

    async def _line(self, node: Node) -> Installation:
        if node not in self._lines:
            line = worker.make_line(self._world, node)
            await line.timekeeper.ask()
            await line.producer.start()
            self._lines[node] = line
        return self._lines[node]


def _place(name: str, text: str) -> PublicPlace:
    return PublicPlace(id=name, kind=PlaceKind.OTHER, name=text, division=HERE, address="示例路9号")
