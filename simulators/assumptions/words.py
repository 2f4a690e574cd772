"""Formats figures: counts, shares, sums of money, and means with their uncertainty."""

from collections.abc import Callable

Told = Callable[[float], str]
"""Formats a figure. Its unit is in the text or beside it, as each function says."""


def count(value: float) -> str:
    """Return a number as text without decimals: 1,234."""
    return f"{value:,.0f}"


def hours(value: float) -> str:
    """Return a number of hours as text with one decimal, without the unit: 1,234.5."""
    return f"{value:,.1f}"


def percent(share: float) -> str:
    """Return a share from 0 to 1 as text in per cent with one decimal and the sign: 12.3%."""
    return f"{share:.1%}"


def hundredths(share: float) -> str:
    """Return a share from 0 to 1 as text in per cent with one decimal, without the sign: 12.3."""
    return f"{100 * share:.1f}"


def times(value: float) -> str:
    """Return a number as text with two decimals: 1.23."""
    return f"{value:.2f}"


def ten_thousands(fen: float) -> str:
    """Return an amount in fen as text in units of 10,000 yuan with one decimal, without the unit: 1,234.5."""
    return f"{fen / 1_000_000:,.1f}"


def millions(yuan: float) -> str:
    """Return an amount in yuan as text in millions: ¥1.23 M."""
    return f"¥{yuan / 10**6:,.2f} M"


def plus_minus(mean: float, spread: float, told: Told) -> str:
    """Return a mean and its uncertainty as text, each formatted by `told`: "12.3 ± 0.4"."""
    return f"{told(mean)} ± {told(spread)}"
