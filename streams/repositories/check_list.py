"""The list of the public check, in the memory of the process that answers: made from the watchlist's topic and kept
up to date.
"""

import asyncio
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from domain.access.key_rings import KeyRing
from domain.public_check.buckets import NONCE_BYTES, ListedEntry, bucket_entries, bucket_of, padded_size, prefix_bits
from domain.public_check.listing import PREFIX_BITS, Listing, check_scalar, from_storage, stored_listing
from domain.public_check.oprf import evaluated
from domain.public_check.statuses import check_status
from domain.risk.sets import precedence
from schemas.base import ANY_VERSION
from schemas.risk.evidence import WatchEntry
from streams.messaging.dead_letter_writer import readable
from streams.messaging.offsets import beginning_offsets
from streams.messaging.reader import Read, follow, read_all
from streams.messaging.topics import WATCHLIST
from streams.runtime.cooperative import in_pieces
from streams.runtime.settings import Settings
from streams.runtime.tasks import until_done, wanted

MADE_ANEW_SECONDS = 600.0  # a bucket is made again, and ended verdicts leave the list, after this time
KEYS_SECONDS = 10.0  # how often the key of the check is compared with the one in use


class BitsChangedError(Exception):
    """A question numbers its buckets by another number of bits than the list does now. `bits`: the list's number; None
    while the list is not loaded yet.
    """

    def __init__(self, bits: int | None) -> None:
        super().__init__()
        self.bits = bits


@dataclass(frozen=True, slots=True)
class MadeBucket:
    """A bucket: a part of the list of the public check, as it was made at `made` (seconds since 1970, by the
    installation's clock). It has a nonce, and entries that only a person who asks for a number in it can read.
    """

    nonce: bytes
    entries: bytes
    made: float


class CheckList:
    """The numbers, accounts and links on the list of the public check, divided into buckets by the beginning of their
    hash. A person who asks gets a whole bucket, so this process does not learn the number.

    `ring` returns the keys of the check that are in force; `now` returns the present time.
    """

    def __init__(self, settings: Settings, ring: Callable[[], KeyRing], now: Callable[[], datetime]) -> None:
        self._settings, self._ring, self._now = settings, ring, now
        self._secret = settings.key()
        self._entries: dict[str, dict[str, WatchEntry]] = {}  # by the number's own subject, then by the entry's
        self._stored: dict[str, Listing] = {}  # by the number's own subject: as the watchlist has it
        self._elements: dict[str, bytes] = {}  # the same, under the key of the check
        self._of_prefix: defaultdict[int, set[str]] = defaultdict(set)  # numbers that have ever been listed
        self._listed: set[str] = set()
        self._sizes: Counter[int] = Counter()  # listed numbers by bucket
        self._buckets: dict[int, MadeBucket] = {}
        self._bits: int | None = None
        self._size = padded_size(0)
        self._use(ring().current)

    @property
    def bits(self) -> int | None:
        """The number of bits of the hash by which the list is divided now, so into 2**bits buckets; None until the list
        is loaded.
        """
        return self._bits

    @property
    def size(self) -> int:
        """The number of entries in each bucket, made-up ones included."""
        return self._size

    @property
    def listed(self) -> int:
        """The number of numbers, accounts and links that are listed."""
        return len(self._listed)

    async def run(self) -> None:
        """Load the list, and follow the watchlist and the check's key until cancelled. Waits while Kafka is
        unavailable. Raises AccessError if Kafka refuses access, in an exception group.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_key())
            group.create_task(self._watch_verdicts())
            while wanted():
                await until_done("the list of the public check", self._follow)

    def answer(self, bits: int, buckets: Sequence[int], elements: Sequence[bytes]) -> list[tuple[bytes, MadeBucket]]:
        """Return one pair for each element, in order: the element multiplied by the secret key (see
        domain/public_check/oprf), and the bucket whose number is at the same place in `buckets`. `bits`: the number of
        bits by which the question numbers its buckets.

        Raises BitsChangedError if the list is divided by another number of bits, or is not loaded yet; ValueError if a
        bucket does not exist, or if there are not as many buckets as elements; and ElementError if an element is
        invalid.
        """
        if self._bits is None or bits != self._bits:
            raise BitsChangedError(self._bits)
        if not all(0 <= each < 2**bits for each in buckets):
            raise ValueError("no bucket has this number")
        pairs = list(zip(elements, buckets, strict=True))
        return [(evaluated(self._scalar, element), self._bucket(number)) for element, number in pairs]

    def add_entry(self, entry: WatchEntry) -> None:
        """Add a watchlist entry to the list, in place of the former entry of its subject; if the former entry takes
        precedence, change nothing. (After an outage, the watchlist is read again from its beginning, and a number that
        was lifted must not be listed meanwhile.)

        A number is listed only once one of its entries has the data for the check (`entry.check`). Raises ValueError if
        these data are invalid or were made under another secret; the entry is stored nevertheless.
        """
        own = entry.subject.partition("@")[0]  # a vendor's verdict is about the number before it
        entries = self._entries.setdefault(own, {})
        known = entries.get(entry.subject)
        if known is not None and precedence(entry) < precedence(known):
            return
        entries[entry.subject] = entry
        if own not in self._stored and entry.check:
            stored = stored_listing(self._secret, entry.check)
            self._elements[own] = evaluated(self._ratio, stored.element)
            self._stored[own] = stored
            self._of_prefix[stored.prefix].add(own)
        if own in self._stored:
            self._list(own, check_status(entries.values(), self._now()) is not None)

    def verdicts(self, own: str) -> list[str]:
        """Return the watchlist subjects of all vendors' ratings of a number or link with the subject `own`: those that
        may have listed it. Empty if no vendor has rated it.
        """
        return [subject for subject in self._entries.get(own, ()) if subject != own]

    async def relist(self) -> None:
        """Remove the numbers from the list that no watchlist entry lists any more, because a vendor's rating of them
        has ended. All consoles must do so: they divide the list into buckets by its size, and refuse questions that
        were numbered by another division.
        """
        pause = in_pieces()
        for own in list(self._listed):
            if check_status(self._entries[own].values(), self._now()) is None:
                self._list(own, listed=False)
            await pause()

    def _list(self, own: str, listed: bool) -> None:
        prefix = self._stored[own].prefix
        before = own in self._listed
        (self._listed.add if listed else self._listed.discard)(own)
        if self._bits is None:
            return
        number = bucket_of(prefix, self._bits)
        self._buckets.pop(number, None)
        self._sizes[number] += listed - before
        if self._sizes[number] > self._size or prefix_bits(len(self._listed)) != self._bits:
            self._divide()

    def _divide(self) -> None:
        """Divide the numbers into as many buckets as there should be now, all of one size."""
        self._bits = prefix_bits(len(self._listed))
        self._sizes = Counter(bucket_of(self._stored[own].prefix, self._bits) for own in self._listed)
        self._size = padded_size(max(self._sizes.values(), default=0))
        self._buckets.clear()

    def _bucket(self, number: int) -> MadeBucket:
        now = self._now()
        seconds = now.timestamp()
        known = self._buckets.get(number)
        if known is None or seconds - known.made >= MADE_ANEW_SECONDS:
            nonce = secrets.token_bytes(NONCE_BYTES)
            known = MadeBucket(nonce, bucket_entries(self._real(number), self._size, nonce), seconds)
            self._buckets[number] = known
        return known

    def _real(self, number: int) -> list[ListedEntry]:
        bits, now = self._bits or 0, self._now()
        width = 2**PREFIX_BITS >> bits
        prefixes = range(number * width, (number + 1) * width)
        owns = [own for prefix in prefixes for own in self._of_prefix.get(prefix, ())]
        found = [(own, check_status(self._entries[own].values(), now)) for own in owns if own in self._listed]
        return [ListedEntry(self._stored[own].prefix, self._elements[own], status) for own, status in found if status]

    async def _follow(self) -> None:
        following = await beginning_offsets(self._settings, WATCHLIST.name)
        pause = in_pieces()
        async for record in read_all(self._settings, WATCHLIST.name, {WATCHLIST.name: following}):
            self._take(record)
            following[record.partition] = record.offset + 1
            await pause()
        self._divide()
        async for record in follow(self._settings, WATCHLIST.name, following):
            self._take(record)

    def _take(self, record: Read) -> None:
        if record.value:
            readable(WATCHLIST.name, record.offset, partial(self._parsed, record.value))

    def _parsed(self, value: bytes) -> WatchEntry:
        entry = WatchEntry.model_validate_json(value, extra=ANY_VERSION)
        self.add_entry(entry)
        return entry

    def _use(self, key: bytes) -> None:
        self._key, self._scalar = key, check_scalar(key)
        self._ratio = from_storage(self._secret, self._scalar)

    async def _watch_verdicts(self) -> None:
        while wanted():
            await asyncio.sleep(MADE_ANEW_SECONDS)
            await self.relist()

    async def _watch_key(self) -> None:
        while wanted():
            await asyncio.sleep(KEYS_SECONDS)
            await self.rotate()

    async def rotate(self) -> None:
        """If the key of the check has changed, compute the elements of all numbers under the new key, and drop all
        buckets, so that each is made anew when it is asked for. Else do nothing. Raises SettingsError if this process
        has no such key.
        """
        key = self._ring().current
        if key == self._key:
            return
        scalar, pause = check_scalar(key), in_pieces()
        ratio, renewed = from_storage(self._secret, scalar), dict[str, bytes]()
        while left := [own for own in self._stored if own not in renewed]:  # more may come meanwhile
            for own in left:
                renewed[own] = evaluated(ratio, self._stored[own].element)
                await pause()
        self._use(key)
        self._elements = renewed
        self._buckets.clear()
