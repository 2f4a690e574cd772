"""Amounts in Chinese capital numerals (大写金额), which documents about money carry beside the figures.

The rules are those of 正确填写票据和结算凭证的基本规定, an annex of 支付结算办法 (银发〔1997〕393号). Where they
allow two ways (a zero after 万 or 元), the way that they name first is used.
"""

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("仟", "佰", "拾", "")
_GROUPS = ((10**8, "亿"), (10**4, "万"), (1, ""))


def capitals(fen: int) -> str:
    """Return an amount in fen in capital numerals, such as 人民币壹仟肆佰零玖元伍角.

    Raises ValueError if the amount is negative, or a trillion yuan or more.
    """
    if not 0 <= fen < 10**14:
        raise ValueError("the amount has no capital numerals here")
    yuan, jiao, rest = fen // 100, fen // 10 % 10, fen % 10
    whole = f"{_whole(yuan)}元" if yuan or not fen else ""
    zero = "零" if yuan and _follows_a_zero(yuan, jiao, rest) else ""
    small = (f"{_DIGITS[jiao]}角" if jiao else "") + (f"{_DIGITS[rest]}分" if rest else "")
    return f"人民币{whole}{zero}{small or '整'}"


def _follows_a_zero(yuan: int, jiao: int, rest: int) -> bool:
    """Return True if a zero must be written between the yuan and the jiao or fen: 捌拾元零叁角, 玖元零贰分."""
    return bool(jiao or rest) and (yuan % 10 == 0 or jiao == 0)


def _whole(number: int) -> str:
    """Return a number below 10^12 in capital numerals. Consecutive zeros are written as one, zeros at the end of a
    group not.
    """
    if number == 0:
        return _DIGITS[0]
    words, gap = "", False
    for size, unit in _GROUPS:
        value = number // size % 10**4
        if value:
            words += ("零" if words and (gap or value < 1000) else "") + _group(value) + unit
        gap = not value
    return words


def _group(value: int) -> str:
    """Return a number from 1 to 9,999 in capital numerals, without zeros before or after it."""
    words, gap = "", False
    for digit, place in zip(f"{value:04}", _PLACES, strict=True):
        if digit != "0":
            words += ("零" if words and gap else "") + _DIGITS[int(digit)] + place
        gap = digit == "0"
    return words
