"""How long the console's figures take to fold a journal, and the memory they hold afterwards.

python -m tests.tools.field.folding --events 100000
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import count, islice

from domain.calendar import day_of
from domain.payments.bank_book import BankBook
from domain.statistics.clocks import Clocks
from domain.statistics.situation import DAYS, Situation, last_days, sums_of
from schemas.casework.events import CaseEvent, journal_adapter
from schemas.casework.inputs import BankState
from schemas.levels import Action, Outcome, Result
from tests.domain.builders import NOON, RESIDENT
from tests.domain.casework.journal import Journal, red_with_money
from tests.tools.field.load.overload import MIB, resident_bytes

PLACES = ("220102", "220104", "220202", "220302", "220502", "220602", "220702", "220802", "222401", "222426")


def story() -> Journal:
    """A red case from its alert to a stop in force and a resident dissuaded."""
    line = red_with_money()
    line.result(Result.DELIVERED, Action.FLASH_SMS)
    line.pass_to(timedelta(minutes=2))
    line.bank(BankState.IN_FORCE, amount=1_000_000)
    line.pass_to(timedelta(minutes=10))
    line.outcome(Outcome.DISSUADED)
    return line


def journal() -> Iterator[bytes]:
    """The same story of one resident after the other, over five weeks and ten counties."""
    events = story().events
    for number in count():
        name, place = f"r{'a' * 10}{_letters(number)}", PLACES[number % len(PLACES)]
        later = timedelta(days=number % DAYS)
        for event in events:
            yield _moved(event, place, later).model_dump_json().replace(RESIDENT, name).encode()


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + number // 26**place % 26) for place in range(6))


def _moved(event: CaseEvent, place: str, later: timedelta) -> CaseEvent:
    profile = event.case.profile.model_copy(update={"division": place})
    case = event.case.model_copy(update={"profile": profile, "opened_at": event.case.opened_at + later})
    return event.model_copy(update={"at": event.at + later, "case": case})


def run(number: int) -> dict[str, float | int]:
    """Fold so many events, as the console does (console/web/live/figures.py), and ask for the page's tables once."""
    raws = list(islice(journal(), number))
    before = resident_bytes(os.getpid())
    situation, clocks, book = Situation(), Clocks(), BankBook()
    began, used = time.perf_counter(), time.process_time()
    for raw in raws:
        event = journal_adapter.validate_json(raw)
        if isinstance(event, CaseEvent):
            situation.add(event)
            book.add(event)
            clocks.add(event)
    folded, used = time.perf_counter(), time.process_time() - used
    days = last_days(day_of(NOON + timedelta(days=DAYS - 1)), DAYS)
    total = situation.total(lambda division: True, days)
    situation.by_day(lambda division: True, days)
    situation.by_area(lambda division: True, days, 4)
    asked = time.perf_counter()
    return {
        "events": len(raws),
        "bytes_an_event": sum(map(len, raws)) // len(raws),
        "cases": sums_of(total, "all", "").cases,
        "fold_seconds": round(folded - began, 2),
        "fold_cpu_seconds": round(used, 2),
        "events_a_cpu_second": round(len(raws) / used),
        "tables_milliseconds": round(1000 * (asked - folded), 1),
        "mib": round((resident_bytes(os.getpid()) - before) / MIB, 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    print(json.dumps(run(parser.parse_args().events), indent=2))
