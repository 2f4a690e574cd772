"""How many letters wait for somebody, as a metric: told by the one worker that owns the first partition."""

from collections import Counter

from streams.dead_letters.index import Letters
from streams.messaging import sources
from streams.runtime import metrics
from streams.runtime.settings import Settings

LOOK_SECONDS = 10.0


class OpenLetters:
    """Open letters by source. Of more than index.MOST letters the newest are counted."""

    def __init__(self, settings: Settings) -> None:
        self._letters = Letters(settings)

    async def show(self, *, ours: bool) -> None:
        """Look, and tell, or tell nothing where another worker does."""
        if not ours:
            metrics.DEAD_LETTERS_OPEN.clear()
            return
        await self._letters.refresh()
        await self._letters.forget_expired()
        waiting: Counter[str] = Counter()
        for source, number in self._letters.open_by_source().items():
            waiting[sources.label(source)] += number
        metrics.DEAD_LETTERS_OPEN.clear()
        for label, number in waiting.items():
            metrics.DEAD_LETTERS_OPEN.labels(label).set(number)
