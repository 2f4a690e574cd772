"""The keys of one simulated Redis, their values, and when they expire by the server's own clock."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from tests.simulation.fake_redis.values import WRONG_TYPE, Hash, Members, Ranked, RefusedError

Value = bytes | Hash | Members | Ranked
Kept = TypeVar("Kept", Hash, Members, Ranked)

_NO_HASH, _NO_MEMBERS, _NOT_RANKED = Hash(), Members(), Ranked()  # read where there is no key; never written


class Saved(NamedTuple):
    """What a server held. Nobody changes the values: a server copies one before it writes."""

    data: dict[bytes, Value]
    expires: dict[bytes, int]


class Keyspace:
    """`obeys`: while it applies its primary's effects, a replica judges nothing by its own clock.

    `dirty` counts changes. `effect` is what replicas are told of a command, if not the command itself; `expired` are
    the keys that went on the way.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._stepped = clock, 0
        self.data: dict[bytes, Value] = {}
        self.expires: dict[bytes, int] = {}
        self.dirty = 0
        self.effect: tuple[bytes, ...] | None = None
        self.expired: list[bytes] = []
        self.obeys = self.replica = False
        self._generation = object()

    def step(self, seconds: float) -> None:
        """Set the server's clock forward, or back."""
        self._stepped += round(seconds * 1_000_000)

    def microseconds(self) -> int:
        return round(self._clock() * 1_000_000) + self._stepped

    def milliseconds(self) -> int:
        return self.microseconds() // 1000

    def save(self) -> Saved:
        """The state now. It costs two copied dictionaries: values are copied when they are written next."""
        self._generation = object()
        return Saved(self.data.copy(), self.expires.copy())

    def load(self, saved: Saved) -> None:
        self._generation = object()
        self.data, self.expires = saved.data.copy(), saved.expires.copy()

    def clear(self) -> None:
        self.data.clear()
        self.expires.clear()

    def find(self, key: bytes) -> Value | None:
        """The value, if it has not expired."""
        if self.expires and key in self.expires and self._gone(key):
            return None
        return self.data.get(key)

    def names(self) -> list[bytes]:
        """The keys that have not expired."""
        return [key for key in list(self.data) if self.find(key) is not None]

    def _gone(self, key: bytes) -> bool:
        """Whether it has expired; a primary deletes it then, a replica waits to be told."""
        if self.obeys or self.milliseconds() <= self.expires[key]:
            return False
        if not self.replica:
            self.remove(key)
            self.expired.append(key)
        return True

    def remove(self, key: bytes) -> bool:
        self.expires.pop(key, None)
        return self.data.pop(key, None) is not None

    def write(self, key: bytes, value: Value, until: int | None = None) -> None:
        """Put a whole value, which expires `until` or not at all."""
        if not isinstance(value, bytes):
            value.generation = self._generation
        self.data[key] = value
        if until is not None:
            self.expires[key] = until
        elif self.expires:
            self.expires.pop(key, None)
        self.dirty += 1

    def string(self, key: bytes) -> bytes | None:
        value = self.find(key)
        if value is None or type(value) is bytes:
            return value
        raise RefusedError(WRONG_TYPE)

    def hash(self, key: bytes) -> Hash:
        """To read; an empty one where there is none."""
        value = self.find(key)
        if type(value) is Hash:
            return value
        return self._nothing(value, _NO_HASH)

    def members(self, key: bytes) -> Members:
        value = self.find(key)
        if type(value) is Members:
            return value
        return self._nothing(value, _NO_MEMBERS)

    def ranked(self, key: bytes) -> Ranked:
        value = self.find(key)
        if type(value) is Ranked:
            return value
        return self._nothing(value, _NOT_RANKED)

    def open_hash(self, key: bytes) -> Hash:
        """To write: this generation's own, made where there is none. `close` when it may be empty then."""
        return self._open(key, Hash)

    def open_members(self, key: bytes) -> Members:
        return self._open(key, Members)

    def open_ranked(self, key: bytes) -> Ranked:
        return self._open(key, Ranked)

    def close(self, key: bytes, value: Hash | Members | Ranked) -> None:
        """Redis keeps no empty collection."""
        if not len(value):
            self.remove(key)

    def _nothing(self, value: Any, empty: Kept) -> Kept:  # noqa: ANN401 - whatever another type's is
        if value is not None:
            raise RefusedError(WRONG_TYPE)
        return empty

    def _open(self, key: bytes, kind: type[Kept]) -> Kept:
        value: Any = self.find(key)
        if type(value) is kind and value.generation is self._generation:
            return value
        if value is None:
            value = kind()
        elif type(value) is kind:
            value = value.copied()
        else:
            raise RefusedError(WRONG_TYPE)
        value.generation = self._generation
        self.data[key] = value
        return value  # type: ignore[no-any-return]  # one of `kind`, as was looked
