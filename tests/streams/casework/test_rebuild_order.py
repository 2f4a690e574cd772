"""The order in which a process builds lost partitions."""

import asyncio
from contextlib import ExitStack

import pytest

from streams.casework.rebuild_order import RebuildOrder

PIECES = 5


class Builder:
    """Builds partitions in pieces, and notes whose piece came when."""

    def __init__(self) -> None:
        self.order, self.done = RebuildOrder(), list[int]()

    async def build(self, partition: int) -> None:
        with self.order.building(partition):
            for _ in range(PIECES):
                await self.order.turn(partition)
                self.done.append(partition)
                await asyncio.sleep(0)

    async def build_waited_for(self, partition: int) -> None:
        with self.order.waited_for(partition):
            await self.build(partition)


@pytest.fixture
def builder() -> Builder:
    return Builder()


async def test_partitions_that_nobody_waits_for_are_built_one_after_the_other(builder: Builder) -> None:
    await asyncio.gather(builder.build(0), builder.build(1))
    assert builder.done == [0] * PIECES + [1] * PIECES


async def test_a_partition_whose_inputs_wait_goes_before_one_that_is_half_built(builder: Builder) -> None:
    first = asyncio.create_task(builder.build(0))
    await asyncio.sleep(0)
    await asyncio.gather(first, builder.build_waited_for(1))
    begun = builder.done.index(1)
    assert 0 < begun < PIECES
    assert builder.done[begun:] == [1] * PIECES + [0] * (PIECES - begun)


async def test_of_two_whose_inputs_wait_the_one_that_waits_longer_is_finished_first(builder: Builder) -> None:
    await asyncio.gather(*(builder.build_waited_for(partition) for partition in (2, 0, 1)))
    assert builder.done == [2] * PIECES + [0] * PIECES + [1] * PIECES


async def test_inputs_of_a_partition_that_stands_hold_up_nobody(builder: Builder) -> None:
    with ExitStack() as stack:
        stack.enter_context(builder.order.waited_for(7))
        await builder.build(0)
    assert builder.done == [0] * PIECES


async def test_a_building_that_fails_lets_the_others_go_on(builder: Builder) -> None:
    async def failing() -> None:
        with builder.order.waited_for(3), builder.order.building(3):
            await asyncio.sleep(0)
            raise ConnectionError

    await asyncio.gather(failing(), builder.build(0), return_exceptions=True)
    assert builder.done == [0] * PIECES
