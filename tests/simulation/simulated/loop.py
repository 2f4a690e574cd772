"""A deterministic event loop with virtual time. Its random generator alone decides which ready handle runs next.

Every handle belongs to the node (a simulated process) whose task made it: the node is a context variable, and asyncio
gives each task's context to all of its callbacks. A killed node's handles never run again, not even its `finally`
blocks; a frozen node's handles wait until it thaws. What has no node (the network, providers, acts) always runs.
"""

import asyncio
import itertools
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random
from threading import get_ident
from types import coroutine
from typing import Any, TypeVarTuple, cast

Arguments = TypeVarTuple("Arguments")


@dataclass(eq=False, slots=True)
class Node:
    """One simulated process. `steps`: handles that it has run; it is killed instead of running number `crash_at`.

    `crossings`: messages that it has sent or was sent. `traps`: what is to happen at one of the next of them.
    """

    name: str
    dead: bool = False
    frozen: bool = False
    steps: int = 0
    crash_at: int | None = None
    crossings: int = 0
    traps: list["Trap"] = field(default_factory=list)
    parked: list[asyncio.Handle] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Trap:
    """Something that happens at the `left`-th message from now on. `of`: of this agent or timer; "": of any.

    `since`: servers, with the first message to one of which the count begins; none: it begins now. Such a trap stays
    where it is when the product needs more messages, or fewer, before that one.
    """

    of: str
    left: int
    spring: Callable[[], None]
    since: frozenset[str] = frozenset()

    def count(self, part: str, to: str) -> None:
        """A message of a part of the process: to a server `to`, or from one."""
        if self.of and self.of != part:
            return
        if to in self.since:
            self.since = frozenset()
        if not self.since:
            self.left -= 1


NODE: ContextVar[Node | None] = ContextVar("node", default=None)
PART: ContextVar[str] = ContextVar("part", default="")
"""Which agent (by its topic) or timer (by its name) of the process runs."""


class DeadlockError(RuntimeError):
    """Nothing is ready and no timer is set: virtual time cannot go on."""


class SimTask(asyncio.Task[Any]):
    """A task whose hash is its number: sets of tasks then have the same order in each run."""

    number: int = 0

    def __hash__(self) -> int:
        return self.number


class SimLoop(asyncio.BaseEventLoop):
    """Runs one handle at a time. `swaps`: how often the next is drawn from all that are ready; else it is the oldest.

    `on_crash` is called with a node that has reached its `crash_at`.
    """

    def __init__(self, random: Random, swaps: float) -> None:
        super().__init__()
        self._random, self._swaps = random, swaps
        self._now = 0.0
        self._queue: list[asyncio.Handle] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = itertools.count(1)
        self.tasks: list[SimTask] = []
        self._dropped: list[asyncio.Handle] = []  # of dead nodes: freed only when the schedule is over
        self.errors: list[dict[str, Any]] = []
        self.handled = 0
        self.over = False
        self.on_crash: Callable[[Node], None] = _ignore
        self.set_task_factory(cast("Any", self._made))
        self.set_exception_handler(lambda _, context: self.errors.append(context))

    # ------------------------------------------------------------ what asyncio calls

    def time(self) -> float:
        return self._now

    def start_at(self, now: float) -> float:
        """Let the time begin there."""
        self._now = now
        return now

    def call_soon(
        self, callback: Callable[[*Arguments], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._queue.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[*Arguments], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is passed over when its time comes."""

    def _made(self, loop: Any, coro: Coroutine[Any, Any, Any], context: Context | None = None) -> SimTask:  # noqa: ANN401
        task = SimTask.__new__(SimTask)
        task.number = next(self._numbers)  # before __init__, which puts the task into a set
        SimTask.__init__(task, coro, loop=self, context=context)
        self.tasks.append(task)
        return task

    # ------------------------------------------------------------ nodes

    def spawn(self, coro: Coroutine[Any, Any, Any], node: Node | None) -> SimTask:
        """Begin a task that belongs to `node`; None: to nobody, so that it always runs."""
        context = copy_context()
        context.run(NODE.set, node)
        return self._made(self, coro, context)

    def outside(self, delay: float, callback: Callable[[*Arguments], object], *args: *Arguments) -> None:
        """Call something that belongs to no node, such as the arrival of a message."""
        self.call_at(self._now + delay, callback, *args, context=_OUTSIDE)

    def thaw(self, node: Node) -> None:
        """Let a frozen node go on; all that waited is ready at once."""
        node.frozen = False
        self._queue += node.parked
        node.parked = []

    # ------------------------------------------------------------ running

    def drive(self, until: float, done: Callable[[], bool] = lambda: False) -> None:
        """Run handles until it is `done`, or the time `until` has come."""
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(finalizer=self._finalize)
        asyncio._set_running_loop(self)
        self._thread_id = get_ident()
        try:
            while self._now < until and not done():
                self._step(until)
        finally:
            cast("Any", self)._thread_id = None
            asyncio._set_running_loop(None)
            sys.set_asyncgen_hooks(*hooks)

    def _step(self, until: float) -> None:
        """Run one handle, or let time pass until the next timer."""
        queue, timers = self._queue, self._timers
        if not queue and not self._advanced(until):
            return
        while timers and timers[0][0] <= self._now:
            timer = heappop(timers)[2]
            if not timer._cancelled:
                queue.append(timer)
        if queue:
            self._run(self._next())

    def _advanced(self, until: float) -> bool:
        """Move the time on to the next timer; False when that lies behind `until`."""
        timers = self._timers
        while timers and timers[0][2]._cancelled:
            heappop(timers)
        if not timers:
            raise DeadlockError(f"nothing is ready at {self._now:.3f}")
        when = timers[0][0]
        if when > until:
            self._now = until
            return False
        self._now = max(self._now, when)
        return True

    def _next(self) -> asyncio.Handle:
        queue = self._queue
        if len(queue) > 1 and self._random.random() < self._swaps:
            return queue.pop(int(self._random.random() * len(queue)))
        return queue.pop(0)

    def _run(self, handle: asyncio.Handle) -> None:
        if handle._cancelled:
            return
        context: Context = handle._context  # type: ignore[attr-defined] # asyncio's own name for it
        node = context.get(NODE)
        if node is not None:
            if node.dead:
                self._dropped.append(handle)
                return
            if node.frozen:
                node.parked.append(handle)
                return
            node.steps += 1
            if node.steps == node.crash_at:
                self._dropped.append(handle)
                self.on_crash(node)
                return
        self.handled += 1
        handle._run()

    def _finalize(self, generator: AsyncGenerator[Any, Any]) -> None:
        """Close an asynchronous generator that nobody reads on."""
        if not self.over:
            self.call_soon(self.create_task, generator.aclose())

    def end(self) -> None:
        """Throw away all that is still suspended, in the order in which it began; it can reach nobody any more."""
        self.over = True
        hooks, unraisable = sys.get_asyncgen_hooks(), sys.unraisablehook
        sys.set_asyncgen_hooks(finalizer=_ignore)
        sys.unraisablehook = _ignore
        asyncio._set_running_loop(self)
        try:
            for task in self.tasks:
                if not task.done():
                    _thrown_away(task)
            for queue in (self.tasks, self._queue, self._timers, self._dropped):
                queue.clear()
        finally:
            asyncio._set_running_loop(None)
            sys.unraisablehook = unraisable
            sys.set_asyncgen_hooks(*hooks)
        self.close()


def _thrown_away(task: SimTask) -> None:
    task._log_destroy_pending = False  # type: ignore[attr-defined] # asyncio's own name for it
    coro: Any = task.get_coro()
    with suppress(BaseException):  # what its `finally` does is of no account
        coro.close()


def _ignore(_: object) -> None:
    """Nothing is done."""


_OUTSIDE = Context()


@coroutine
def pause() -> Generator[None, None, None]:
    """Let others have their turn."""
    yield
