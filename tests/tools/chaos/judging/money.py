"""Each yuan once: what is booked of a payment, over all cases, is never more than the payment."""

from collections import defaultdict
from collections.abc import Iterator

from domain.payments import ledger
from schemas.levels import EvidenceClass
from tests.tools.chaos.judging.books import Books
from tests.tools.chaos.judging.whole import latest


def twice(books: Books) -> Iterator[tuple[str, int]]:
    """What is booked too much, in words and in fen: by transfer, and in the store's sums."""
    newest, earlier = latest(each.what for each in books.seen.events)
    booked: defaultdict[str, int] = defaultdict(int)
    paid: dict[str, int] = {}
    for case in (*newest.values(), *earlier.values()):
        paid |= {payment.transfer: payment.amount_fen for payment in case.payments}
        for transfer, kept in case.kept.items():
            if kept.evidence is not EvidenceClass.D:
                booked[transfer] += kept.amount_fen
    for transfer, amount in booked.items():
        if amount > paid.get(transfer, 0):
            yield f"{transfer}: {amount} fen kept of {paid.get(transfer, 0)}", amount - paid.get(transfer, 0)
    for name, amount in ledger.fold(each.what for each in books.seen.events)._asdict().items():
        if name.startswith("kept_") and books.store.ledger[name] > amount:
            yield (
                f"{name}: {books.store.ledger[name]} fen in the store, {amount} by the journal",
                (books.store.ledger[name] - amount),
            )
