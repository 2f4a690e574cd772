"""Formats figures: counts, shares, sums of money, and means with their uncertainty."""

from collections.abc import Callable

Told = Callable[[float], str]
"""Formats a figure. Its unit is in the text or beside it, as each function says."""


def count(value: float) -> str:
    """Return a number as text, rounded to an integer, with commas between thousands: 1,234."""
    return f"{value:,.0f}"


def hours(value: float) -> str:
    """Return a number of hours as text with one decimal, commas between thousands and no unit: 1,234.5."""
    return f"{value:,.1f}"


def percent(share: float) -> str:
    """Return a share (0 to 1) as text in per cent, with one decimal and the sign: 0.123 gives 12.3%."""
    return f"{share:.1%}"


def hundredths(share: float) -> str:
    """Return a share (0 to 1) as text in per cent, with one decimal and without the sign: 0.123 gives 12.3."""
    return f"{100 * share:.1f}"


def times(value: float) -> str:
    """Return a number, such as a ratio, as text with two decimals: 1.23."""
    return f"{value:.2f}"


def ten_thousands(fen: float) -> str:
    """Return an amount in fen as text in units of 10,000 yuan (万元), with one decimal and no unit: 1,234.5."""
    return f"{fen / 1_000_000:,.1f}"


def millions(yuan: float) -> str:
    """Return an amount in yuan (not fen) as text in million yuan, with two decimals: ¥1.23 M."""
    return f"¥{yuan / 10**6:,.2f} M"


def plus_minus(mean: float, spread: float, told: Told) -> str:
    """Return a mean and its uncertainty as one text, "12.3 ± 0.4". The function `told` formats each number."""
    return f"{told(mean)} ± {told(spread)}"
