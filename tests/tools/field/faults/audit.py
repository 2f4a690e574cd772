"""How fast the audit's chains are linked and verified: `python -m tests.tools.field.faults.audit --lines 200000`."""

import time
from typing import Annotated

import typer

from domain.access.audit_chain import Check, End, Line, head, link
from domain.access.key_rings import KeyRing
from tests.tampering import entry

KEY = KeyRing((b"the key",))


def main(
    lines: Annotated[int, typer.Option(help="How many")] = 200_000,
    chains: Annotated[int, typer.Option(help="Of how many processes")] = 8,
) -> None:
    """Link so many lines, one sent after the other, and look through them."""
    ends = [End(f"{number:016x}") for number in range(chains)]
    entries = [entry(number) for number in range(1000)]
    began, size, written = time.perf_counter(), 0, list[Line]()
    for number in range(lines):
        made, which = entries[number % len(entries)], number % chains
        (value,), end = link([made], ends[which], KEY)
        ends[which] = End(end.chain, end.number, end.hash, number)
        written.append(Line(number, made.by.encode(), value))
        size += len(value)
    linked = time.perf_counter() - began
    check, began = Check(KEY), time.perf_counter()
    for line in written:
        check.take(line)
    found = check.end([head(end, entries[0].at, KEY) for end in ends])
    looked = time.perf_counter() - began
    assert not found.faults
    print(f"{lines:,} lines of {size / lines:.0f} bytes in {chains} chains")
    print(f"linked: {lines / linked:,.0f} lines a second, {linked / lines * 1e6:.1f} µs each")
    print(f"looked through: {lines / looked:,.0f} lines a second, {looked / lines * 1e6:.1f} µs each")


if __name__ == "__main__":
    typer.run(main)
