"""Who is listed in the public check, and how many questions are allowed: the list must not be copied by asking."""

from collections.abc import Iterable
from datetime import datetime

from domain.public_check.buckets import CheckStatus
from schemas.risk.evidence import WatchEntry, WatchStatus
from schemas.risk.sharing import Tlp
from schemas.risk.signals import NumberVerdict

LINK_FORMS = 7  # elements of a question about a link: the most that domain/identity/links.link_forms returns
A_DAY = 700  # elements for one network: 700 numbers or 100 links. Assumed: several hundred customers share an address
SITES = 10  # so many times as much for an IPv6 /48. Assumed: a customer has one /64, or a whole /48
AN_HOUR = 200_000  # elements for everybody. Assumed: 1.3 million residents ask four times in a day of 24 such hours
LEAST_CONFIDENCE = 30  # of 100: "Med" of STIX 2.1's scale (appendix A). Whose source is less sure is told to nobody
MOBILE_NUMBERS = 10**11  # numbers of 11 digits, as an upper bound of what somebody would have to ask
_HOURS_A_YEAR = 24 * 365


def check_status(entries: Iterable[WatchEntry], now: datetime) -> CheckStatus | None:
    """Return the status of a number with these watchlist entries (its own, and one for each source that rated it), or
    None if it is not listed at `now`.

    A person's decision counts first: a lifted entry removes the number whatever vendors say. Without a decision it is
    reported if it was reported, or if a verdict in force calls it a scammer's: a vendor's, or another centre's that it
    marked TLP:CLEAR, since TLP 2.0 allows no other mark in public. A verdict of nuisance lists no number, because
    advertising is no crime, and neither does one of low confidence.
    """
    reported = False
    for entry in entries:
        match entry.standing:
            case WatchStatus.CONFIRMED:
                return CheckStatus.CONFIRMED
            case WatchStatus.LIFTED:
                return None
            case WatchStatus.REPORTED:
                reported = True
            case WatchStatus.RATED:
                in_force = entry.until is not None and now < entry.until
                public = entry.tlp in (None, Tlp.CLEAR)
                sure = entry.confidence is None or entry.confidence >= LEAST_CONFIDENCE
                reported = reported or (in_force and public and sure and entry.verdict is NumberVerdict.SCAM)
    return CheckStatus.REPORTED if reported else None


def years_to_copy(elements_an_hour: float, numbers: int = MOBILE_NUMBERS) -> float:
    """Return how many years it takes to ask about all `numbers` if `elements_an_hour` of them are asked about per hour.
    Raises ZeroDivisionError for a rate of 0.
    """
    return numbers / elements_an_hour / _HOURS_A_YEAR
