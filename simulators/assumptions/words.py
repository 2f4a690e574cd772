"""Formats figures: counts, shares, sums of money, and means with their uncertainty."""

from collections.abc import Callable

Told = Callable[[float], str]
"""Formats a figure. Its unit is in the text or beside it, as each function says."""


def count(value: float) -> str:
    """Format a number without decimals: 1,234."""
    return f"{value:,.0f}"


def hours(value: float) -> str:
    """Format a number of hours with one decimal, without the unit: 1,234.5."""
    return f"{value:,.1f}"


def percent(share: float) -> str:
    """Format a share from 0 to 1 in per cent with one decimal, with the sign: 12.3%."""
    return f"{share:.1%}"


def hundredths(share: float) -> str:
    """Format a share from 0 to 1 in per cent with one decimal, without the sign: 12.3."""
    return f"{100 * share:.1f}"


def times(value: float) -> str:
    """Format a number with two decimals: 1.23."""
    return f"{value:.2f}"


def ten_thousands(fen: float) -> str:
    """Format an amount in fen in units of 10,000 yuan with one decimal, without the unit: 1,234.5."""
    return f"{fen / 1_000_000:,.1f}"


def millions(yuan: float) -> str:
    """Format an amount in yuan in millions: ¥1.23 M."""
    return f"¥{yuan / 10**6:,.2f} M"


def plus_minus(mean: float, spread: float, told: Told) -> str:
    """Format a mean and its uncertainty, both with `told`: "12.3 ± 0.4"."""
    return f"{told(mean)} ± {told(spread)}"
