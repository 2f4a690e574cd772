"""A sentence that every side of a talk hears once, before something happens that they must know of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from streams.gateways.voice.media.g711 import G711

Listener = TypeVar("Listener")


class Announcement(Generic[Listener]):
    """A sound on its way to some listeners. `sound`: as packets by the name of their law."""

    def __init__(self, sound: Mapping[str, Sequence[bytes]], listeners: Iterable[Listener]) -> None:
        self._sound, self._next = sound, dict.fromkeys(listeners, 0)

    @property
    def is_heard(self) -> bool:
        """True if every listener was sent the entire sound, or has left."""
        return not self._next

    def leave(self, listener: Listener) -> None:
        """Take a listener out: nobody waits for them any more (`is_heard`), and `take` gives them nothing more. No
        effect if they were sent the entire sound, or are not among the listeners.
        """
        self._next.pop(listener, None)

    def take(self, listener: Listener, law: G711) -> bytes | None:
        """Return the next 20 ms for a listener, coded with `law`; the next call returns what follows. None if the
        listener was sent the entire sound before, is not one of this announcement's, or the sound is empty.
        """
        place = self._next.get(listener)
        if place is None:
            return None
        frames = self._sound[law.name]
        if place + 1 < len(frames):
            self._next[listener] = place + 1
        else:
            del self._next[listener]
        return frames[place] if frames else None
