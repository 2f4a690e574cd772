"""Writes a candidate policy: the original text with other bits. Comments and order stay."""

from collections.abc import Mapping
from typing import Any

import tomlkit

from domain.policy import load
from schemas.levels import Level

_DIGITS = 2


def candidate(text: str, bits: Mapping[str, float], prior: float, levels: Mapping[Level, float], why: str) -> str:
    """Return the policy's text (TOML) with these bits (by name), prior and thresholds (by level), all in bits, and with
    `why` as its first comment.

    Bits and prior are rounded to two decimals, thresholds are not. The text's other values, comments and order stay.
    Raises PolicyError if the candidate is invalid, KeyError or IndexError if a name is unknown, and tomlkit's
    ParseError (a ValueError) if `text` is not TOML.
    """
    document = tomlkit.parse(text)
    risk: Any = document["risk"]
    risk["prior"] = round(prior, _DIGITS)
    for level, threshold in levels.items():
        risk["levels"][level.value] = threshold
    for name, value in bits.items():
        table, _, key = name.partition(".")
        _set(risk, table, key, round(value, _DIGITS))
    made = f"# {why}\n{tomlkit.dumps(document)}"
    load(made)
    return made


def _set(risk: Any, table: str, key: str, value: float) -> None:  # noqa: ANN401 - tomlkit's tables are of many types
    match table:
        case "evidence":
            risk["evidence"][key]["bits"] = value
        case "together":
            risk["together"][int(key)]["bits"] = value
        case _:
            risk[table][key] = value
