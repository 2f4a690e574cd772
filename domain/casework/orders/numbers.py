"""Document numbers (文书号) of stop orders: 吉公反诈止付〔2026〕4817-3305-1192-1号.

A number is derived, so no counter is shared: the centre's prefix, the year, the case's number in full, and which of the
case's orders it is. Whoever has the case's short number (26-4817) recognizes it in the order's.
"""

from datetime import datetime

from domain.calendar import local_date
from domain.ids import case_digits, in_groups


def document_number(prefix: str, case_id: str, ordinal: int, at: datetime) -> str:
    """Return the number of an order made at `at`. `ordinal`: which of the case's orders it is, from 1."""
    return f"{prefix}〔{local_date(at).year}〕{in_groups(case_digits(case_id))}-{ordinal}号"
