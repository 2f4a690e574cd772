"""How much of a case's money banks hold by a freeze (冻结), which is another order than a stop-payment (止付)."""

from schemas.casework.cases import Case, Payment


def frozen_fen(case: Case, payment: Payment) -> int:
    """Return how much (fen) of a payment, or of the money in a traced account, a bank has confirmed as frozen and has
    not given back; 0 if none.

    The end of the stop, whether it was lifted or has run out, leaves the freeze: in law they are separate orders, and a
    freeze follows a stop by its own procedure (银发〔2016〕86号; Law against Telecom and Online Fraud, article 20). A
    bank's answer `released` ends the stop only: it answers a message of this centre, which orders stops and no freezes,
    and has no field that names a freeze. So money stays frozen until the bank has returned it, or until an upheld
    objection removes it from the books.
    """
    beyond = payment.movement is not None
    frozen, returned = (case.frozen_beyond, case.returned_beyond) if beyond else (case.frozen, case.returned)
    return max(0, frozen.get(payment.transfer, 0) - returned.get(payment.transfer, 0))
