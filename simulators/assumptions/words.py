"""Formats figures: counts, shares, sums of money, and means with their uncertainty."""

from collections.abc import Callable

Told = Callable[[float], str]
"""Formats a figure. Its unit is in the text or beside it, as each function says."""


def count(value: float) -> str:
    return f"{value:,.0f}"


def hours(value: float) -> str:
    return f"{value:,.1f}"


def percent(share: float) -> str:
    """Format a share from 0 to 1 as a percentage, with the sign."""
    return f"{share:.1%}"


def hundredths(share: float) -> str:
    """Format a share from 0 to 1 in per cent, without the sign."""
    return f"{100 * share:.1f}"


def times(value: float) -> str:
    return f"{value:.2f}"


def ten_thousands(fen: float) -> str:
    """Format an amount in fen in units of 10,000 yuan."""
    return f"{fen / 1_000_000:,.1f}"


def millions(yuan: float) -> str:
    return f"¥{yuan / 10**6:,.2f} M"


def plus_minus(mean: float, spread: float, told: Told) -> str:
    """Format a mean and its uncertainty alike."""
    return f"{told(mean)} ± {told(spread)}"
