"""`quanzu admin size`: computes how large an installation must be, from figures measured by the benchmark."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.common import duration, out

if TYPE_CHECKING:
    from domain.statistics.sizing import Asked, Size

GIB, MIB = 2**30, 2**20
WEEK = timedelta(days=7)


class Profile(StrEnum):
    """Presets of an installation's size, by people and load: JILIN (23 million residents), PROVINCE (126 million),
    COUNTRY (1.4 billion, in 31 cells). docs/sizing.md has the sources of their figures.
    """

    JILIN = "jilin"
    PROVINCE = "province"
    COUNTRY = "country"


# residents, signals a day, warnings a day, cells
PROFILES = {
    Profile.JILIN: (23_000_000, 10_000_000, 10_000, 1),
    Profile.PROVINCE: (126_000_000, 55_000_000, 55_000, 1),
    Profile.COUNTRY: (1_412_000_000, 610_000_000, 610_000, 31),
}


def size(
    profile: Annotated[Profile, typer.Option(help="Preset of all figures not given")] = Profile.JILIN,
    residents: Annotated[int | None, typer.Option(min=1, help="Residents in the register")] = None,
    signals_per_day: Annotated[float | None, typer.Option(min=0, help="Signals that feeds send in a day")] = None,
    warnings_per_day: Annotated[float | None, typer.Option(min=0, help="Cases opened in a day")] = None,
    peak_factor: Annotated[float, typer.Option(min=1, help="Busiest second over the day's mean")] = 10,
    batch: Annotated[float, typer.Option(min=1, max=500, help="Signals per record, on average")] = 500,
    headroom: Annotated[float, typer.Option(min=0.01, max=1, help="Maximum share of a core in use at the peak")] = 0.5,
    retention: Annotated[
        timedelta,
        typer.Option(parser=duration, metavar="<time>", show_default="7d", help="How long signals are stored"),
    ] = WEEK,
    years: Annotated[float, typer.Option(min=0, help="Years of cases to store; they are never deleted")] = 1,
    replication: Annotated[int, typer.Option(min=1, help="Copies of a topic, and brokers")] = 3,
    cells: Annotated[int | None, typer.Option(min=1, help="Separate installations, each with one Redis")] = None,
    partitions: Annotated[
        int | None, typer.Option(min=1, show_default="chosen", help="Partitions of a cell's topics")
    ] = None,
    pace: Annotated[float, typer.Option(min=0.01, help="Speed of a core divided by the benchmark's")] = 1,
    price_core_month: Annotated[float | None, typer.Option(min=0, help="Price of a core per month")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON")] = False,
) -> None:
    """Compute how large an installation must be.

    Residents, signals and warnings are given for all cells together; those, and the cells, that are not given are the
    profile's. It prints for one cell: partitions, workers, memory and disk (GiB or MiB), network (Mbit/s) and cores by
    kind of process; then for all cells together: the cores and, with a core's price, their price per month, in the same
    currency. As JSON, memory and disk are in bytes, network in bytes per second. Exits with 1, after printing, if one
    Redis per cell is too slow for the load: then more cells are needed. Exits with 2, without printing, if the headroom
    leaves too little beside an idle worker.
    """
    from domain.statistics.sizing import Asked
    from domain.statistics.sizing import size as reckon

    usual = PROFILES[profile]
    asked = Asked(
        residents or usual[0],
        usual[1] if signals_per_day is None else signals_per_day,
        usual[2] if warnings_per_day is None else warnings_per_day,
        peak_factor,
        batch,
        headroom,
        retention / timedelta(days=1),
        years,
        replication,
        cells or usual[3],
        partitions,
        pace,
        price_core_month,
    )
    try:
        found = reckon(asked)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if as_json:
        out.print_json(data=as_data(found))
    else:
        out.print("\n".join(lines(found)), markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1 if found.too_small else 0)


def as_data(found: "Size") -> dict[str, object]:
    """Return the size by name, for JSON: the fields of Size as plain dicts and numbers, and `redis_machine`,
    `broker_machine` (memory that each such machine needs), `cores`, `price` and `too_small`.

    Memory and disk are in bytes, network in bytes per second at the peak. `cores` and `price` are for all cells, the
    rest for one; `price`: of a month, in the currency of the given price of a core, None without one; `too_small`: why
    one Redis per cell does not suffice, in English, None if it does.
    """
    derived = {
        "redis_machine": found.redis_machine,
        "broker_machine": found.broker_machine,
        "cores": found.cores,
        "price": found.price,
        "too_small": found.too_small,
    }
    return asdict(found) | derived


def lines(found: "Size") -> Iterator[str]:
    """Yield the lines of a text table, without line ends: the figures of one cell (GiB or MiB, Mbit/s), then the total
    of all cells.
    """
    asked = found.asked
    yield f"{asked.residents:,} residents, {asked.signals_per_day:,.0f} signals and {asked.warnings_per_day:,.0f} " + (
        f"warnings a day, in {asked.cells} cells" if asked.cells > 1 else "warnings a day"
    )
    yield ""
    rows = [*_pace(asked), *_parts(found), *_bytes(found)]
    yield from (f"{name:<34}{value:>14}  {note}".rstrip() for name, value, note in rows)
    yield ""
    what = f"{found.cores:,.0f} cores" + (f" in {asked.cells} cells" if asked.cells > 1 else "")
    yield what if found.price is None else f"{what}, {found.price:,.0f} a month at {asked.price:g} a core"
    if found.too_small:
        yield f"TOO SMALL: {found.too_small}"


Row = tuple[str, str, str]


def _pace(asked: "Asked") -> Iterator[Row]:
    yield "signals a second at the peak", f"{asked.peak_signals:,.0f}", f"{asked.peak_factor:g} times the day's mean"
    yield "records a second at the peak", f"{asked.peak_signals / asked.batch:,.1f}", f"of {asked.batch:g} signals"
    yield "case inputs a second at the peak", f"{asked.peak_inputs:,.1f}", ""


def _parts(found: "Size") -> Iterator[Row]:
    used, bought = found.used, found.bought
    yield "partitions", str(found.partitions), "quanzu admin topics grow adds more"
    yield from _cores("workers", "of one core each", used.workers, bought.workers)
    yield from _cores("intake", "processes of one core each", used.intake, bought.intake)
    yield from _cores("Redis", "a primary and a replica", used.redis, bought.redis)
    yield from _cores("brokers", f"{found.asked.replication}, with as many copies", used.brokers, bought.brokers)


def _cores(name: str, note: str, used: float, bought: float) -> Iterator[Row]:
    yield f"{name}, cores", f"{bought:g}", f"{note}; {used:.2f} in use at the peak"


def _bytes(found: "Size") -> Iterator[Row]:
    yield "memory of each Redis", _gib(found.redis_machine), f"of which {_gib(sum(found.redis.values()))} hold data"
    yield from ((f"  {name}", _gib(value), "") for name, value in found.redis.items())
    yield "memory of each broker", _gib(found.broker_machine), "its heap, and an hour of the peak in the page cache"
    total = sum(found.disk.values())
    yield "disk of all brokers", _gib(total), f"signals for {found.asked.retention:g} days, cases for good"
    yield from ((f"  {name}", _gib(value), "") for name, value in found.disk.items())
    yield "network at the peak", "", ""
    yield from ((f"  {name}", f"{value * 8 / 1e6:,.1f} Mbit/s", "") for name, value in found.network.items())


def _gib(count: float) -> str:
    return f"{count / GIB:,.1f} GiB" if count >= GIB / 10 else f"{count / MIB:,.1f} MiB"
