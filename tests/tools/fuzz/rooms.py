"""All doors of this process, each with its share of a thousand inputs."""

import gc
import logging
import random

from schemas.casework.events import Dispatch
from tests.tools.fuzz import examples
from tests.tools.fuzz.book import Book, LogWatch, peak_mb
from tests.tools.fuzz.cases import Machine
from tests.tools.fuzz.cases import make as case_inputs
from tests.tools.fuzz.doors import RECEIPTS, Door, bodies, lines, modelled, one_of, take_body, take_lines, take_record
from tests.tools.fuzz.files import parquet, policy_text, table_of, take_format, take_policy, take_residents

_RESIDENTS = "\n".join([examples.RESIDENTS_HEADING, *examples.RESIDENT_ROWS])


def doors() -> list[Door]:
    """The doors anew: the case machine remembers what came before."""
    return [
        Door("http json", 200, bodies, take_body),
        Door("http ndjson", 120, lines, take_lines),
        Door("record signals", 200, bodies, take_record),
        Door("record dispatches", 60, one_of([examples.DISPATCH]), modelled(Dispatch.model_validate_json)),
        *(
            Door(f"receipt {name}", 20, one_of([examples.RECEIPTS[name]]), modelled(model.model_validate_json))
            for name, model in RECEIPTS.items()
        ),
        Door("case inputs", 130, case_inputs, Machine().take),
        Door("file amlsim", 50, table_of(examples.AMLSIM), take_format("amlsim")),
        Door("file cdr", 40, table_of(examples.CDR), take_format("cdr")),
        Door("file jsonl", 60, lines, take_format("jsonl")),
        Door("residents csv", 50, table_of(_RESIDENTS), take_residents(".csv")),
        Door("residents parquet", 8, parquet, take_residents(".parquet")),
        Door("policy", 2, policy_text, take_policy),
    ]


def run(seed: int, count: int, only: str | None = None) -> tuple[Book, float]:
    """Give `count` inputs to the doors; the book, and the most memory (MB). `only`: `door/number`, to see it again."""
    book = Book()
    watch = LogWatch(book)
    logging.getLogger().addHandler(watch)
    try:
        for door in doors():
            total = max(1, count * door.share // 1000)
            for number in range(total):
                name = f"{door.name}/{number}"
                if only in (None, name):
                    book.run(door.name, number, door.take, door.make(random.Random(f"{seed}/{name}")))
            gc.collect()
    finally:
        logging.getLogger().removeHandler(watch)
    book.look_at_metrics()
    return book, peak_mb()
