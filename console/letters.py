"""Shows dead letters in the terminal: a list, one letter, and the result of a batch."""

from collections import Counter
from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from console.story import LOCAL
from domain.feeds.dead_letters import kind_of_reason, masked
from schemas.administration.dead_letters import DeadLetter
from streams.dead_letters.index import Found, Page
from streams.dead_letters.sending import Outcome, status_text
from streams.dead_letters.shapes import header_of, text_of

REASONS = 10  # most frequent reasons shown for a list or a batch
HEX_BYTES = 256  # shown of content that is not text


def listing(page: Page) -> RenderableType:
    """Return a table of a page of dead letters, and below it the number of matching dead letters for each of the
    REASONS (10) most frequent reasons. Without dead letters, return the text "no such letters". Times are in China's
    time zone.
    """
    if not page.found:
        return Text("no such letters")
    table = Table(box=None, header_style="bold")
    for name in ("letter", "at", "source", "state"):
        table.add_column(name, no_wrap=True, overflow="fold")
    table.add_column("why", overflow="fold", ratio=1)
    for each in page.found:
        letter = each.letter
        at = letter.at.astimezone(LOCAL).strftime("%m-%d %H:%M")
        table.add_row(letter.id, at, letter.source, each.standing.state, Text(letter.why))
    shown = f"{len(page.found)} of {page.total} letters"
    more = "" if page.next is None else f"; the ones before: --before {page.next}"
    if page.left_out:
        more += f"\n{page.left_out} older ones were not read: choose earlier days with --until"
    return Group(table, Text(""), _counted(page.reasons), Text(f"{shown}{more}", "bold"))


def story(letter: DeadLetter, found: Found, *, mask: bool) -> RenderableType:
    """Return a view of one dead letter: origin, time in China, reason, acts on it, and its bytes.

    The bytes are shown as text if possible, else the first HEX_BYTES (256) in hexadecimal. `mask`: True hides numbers
    and names in the text, and shows no bytes that are not text.
    """
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    at = letter.at.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M:%S")
    rows = {
        "letter": letter.id,
        "from": f"{letter.source}, {_place(letter)}",
        "at": at,
        "why": letter.why,
        "stands": status_text(found),
        "header": header_of(letter),
    }
    for name, value in rows.items():
        if value is not None:
            table.add_row(name, Text(value))
    table.add_row("bytes", _size(letter))
    return Group(table, Text(""), Text(_content(letter.content, mask=mask), overflow="fold"))


def summary(outcome: Outcome, done: str) -> RenderableType:
    """Return a view of the result of a batch: the counts of dead letters, and the most frequent reasons, up to REASONS
    (10) each, why some were left as they stand and why some were not sent. `done`: the act in words, such as "sent
    again".
    """
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    table.add_row(str(len(outcome.done)), done)
    if outcome.accepted:
        accepted = ", ".join(f"{source} {number}" for source, number in sorted(outcome.accepted.items()))
        table.add_row("", f"counted as accepted now: {accepted}")
    if outcome.before:
        table.add_row(str(len(outcome.before)), "left as they stand:")
    for why, number in Counter(outcome.before.values()).most_common(REASONS):
        table.add_row("", f"{number} × {why}")
    if outcome.refused:
        table.add_row(str(len(outcome.refused)), "not sent:")
    for names in _by_reason(outcome.refused):
        table.add_row("", Text(f"{len(names)} × {outcome.refused[names[0]]} ({names[0]}{', …' if names[1:] else ''})"))
    if outcome.left:
        table.add_row(str(outcome.left), "not processed: interrupted before them. Run it again for these")
    return table


def _by_reason(refused: Mapping[str, str]) -> list[list[str]]:
    found: dict[str, list[str]] = {}
    for name, why in refused.items():
        found.setdefault(kind_of_reason(why), []).append(name)
    return sorted(found.values(), key=len, reverse=True)[:REASONS]


def _counted(reasons: Mapping[str, int]) -> Table:
    table = Table(box=None, header_style="bold")
    table.add_column("letters", justify="right", no_wrap=True)
    table.add_column("reason", overflow="fold")
    for why, number in list(reasons.items())[:REASONS]:
        table.add_row(str(number), Text(why))
    if len(reasons) > REASONS:
        table.add_row(str(sum(list(reasons.values())[REASONS:])), f"{len(reasons) - REASONS} other reasons")
    return table


def _place(letter: DeadLetter) -> str:
    where = letter.where
    told = where.model_dump(exclude={"reading", "digest"}, exclude_none=True)
    return ", ".join(f"{name} {value}" for name, value in told.items())


def _size(letter: DeadLetter) -> str:
    kept = len(letter.content)
    return f"{letter.size:,}" if kept == letter.size else f"{letter.size:,}, of which the first {kept:,} are kept"


def _content(raw: bytes, *, mask: bool) -> str:
    text = text_of(raw)
    if mask:
        return "(no text: it cannot be masked)" if text is None else masked(text)
    if text is not None:
        return text
    lines = [
        f"{start:06x}  {chunk.hex(' '):<47}  {''.join(chr(byte) if 32 <= byte < 127 else '.' for byte in chunk)}"
        for start in range(0, min(len(raw), HEX_BYTES), 16)
        if (chunk := raw[start : start + 16])
    ]
    more = [] if len(raw) <= HEX_BYTES else [f"… {len(raw) - HEX_BYTES:,} bytes more: --raw writes all of them"]
    return "\n".join([*lines, *more])
