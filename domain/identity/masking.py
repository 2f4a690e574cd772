"""Masked forms of personal data, for people who have no reason to see more."""

_HIDDEN = "*"


def name(whole: str) -> str:
    """Return the first character of a name and a star for each other: 王**. A name of one character is masked
    completely.
    """
    return whole[:1] + _HIDDEN * (len(whole) - 1) if len(whole) > 1 else _HIDDEN * len(whole)


def phone(whole: str) -> str:
    """Return the national number with stars between the first three and the last four digits: 199****0001.

    Of a number of fewer than eight digits, only the last two stay.
    """
    national = whole.removeprefix("+86")
    if len(national) < 8:  # no telephone's: an extension, a service number
        return _HIDDEN * max(0, len(national) - 2) + national[-2:]
    return f"{national[:3]}{_HIDDEN * (len(national) - 7)}{national[-4:]}"


def account(whole: str) -> str:
    """Return the last four characters after stars: one for each masked character, at most eight. An account of up to
    four characters is masked completely.
    """
    return _HIDDEN * max(0, min(len(whole) - 4, 8)) + whole[-4:] if len(whole) > 4 else _HIDDEN * len(whole)
