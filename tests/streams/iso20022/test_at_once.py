"""Documents that are read at once, in several threads, do not mix their errors."""

from concurrent.futures import ThreadPoolExecutor

from streams.intake.acceptor import Unreadable
from streams.intake.formats.iso20022 import items_of_document
from tests.streams.iso20022.messages import payment, payments


def test_documents_that_are_read_at_once_have_their_own_errors() -> None:
    good = payments(*(payment(f"E{number}") for number in range(200)))
    bad = payments(*[payment(more="<Foo/>"), payment(amount="five")] * 100)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(items_of_document, [good, bad] * 6))
    assert all(isinstance(item, dict) for items in found[::2] for item in items)
    told = [{item.what[:25] for item in items if isinstance(item, Unreadable)} for items in found[1::2]]
    assert told == [{"CdtTrfTxInf/Foo: an eleme", "CdtTrfTxInf/IntrBkSttlmAm"}] * 6
