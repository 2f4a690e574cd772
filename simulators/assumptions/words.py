"""How figures are told: what is counted, shares, sums of money, and a mean with what it is uncertain by."""

from collections.abc import Callable

Told = Callable[[float], str]
"""A figure in words; its unit stands beside it or in it, as its function says."""


def count(value: float) -> str:
    return f"{value:,.0f}"


def hours(value: float) -> str:
    return f"{value:,.1f}"


def percent(share: float) -> str:
    """Of a share from 0 to 1, with the sign."""
    return f"{share:.1%}"


def hundredths(share: float) -> str:
    """Of a share from 0 to 1, where the sign stands in the line's name."""
    return f"{100 * share:.1f}"


def times(value: float) -> str:
    return f"{value:.2f}"


def ten_thousands(fen: float) -> str:
    """In 10,000 yuan, as such sums are told."""
    return f"{fen / 1_000_000:,.1f}"


def millions(yuan: float) -> str:
    return f"¥{yuan / 10**6:,.2f} M"


def plus_minus(mean: float, spread: float, told: Told) -> str:
    """A mean and what it is uncertain by, told alike."""
    return f"{told(mean)} ± {told(spread)}"
