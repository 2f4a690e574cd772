"""Faults of a policy: codes with parameters and their place in the text.

Validators raise `refused(code, ...)`; pydantic adds the place. pydantic's own errors are converted by type, with
parameters from their context. The sentences are in console/policy_faults.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict, Unpack, cast

from pydantic_core import ErrorDetails, PydanticCustomError

LONGEST_GIVEN = 64  # length to which parameters quoted from the text are cut


class FaultCode(StrEnum):
    """The kinds of faults in a policy's text, which their names describe.

    In order: TOML syntax (TEXT_TOO_LONG to UNREADABLE), single values (MISSING to NOT_DATE), INVALID (a pydantic
    rule without its own code), values that contradict each other (LEVELS_NOT_RISING to REMINDER_AND_WARNING),
    messages to residents (HIDDEN_CHARACTER to KEY_NOT_NAMED). MORE stands for further faults that are not listed.
    """

    TEXT_TOO_LONG = "text_too_long"
    LINE_TOO_LONG = "line_too_long"
    NOT_UTF8 = "not_utf8"
    TOO_DEEP = "too_deep"
    UNEXPECTED_SIGN = "unexpected_sign"
    LINE_UNFINISHED = "line_unfinished"
    TEXT_UNFINISHED = "text_unfinished"
    STANDS_TWICE = "stands_twice"
    UNREADABLE = "unreadable"

    MISSING = "missing"
    UNKNOWN_KEY = "unknown_key"
    TOO_SMALL = "too_small"
    NOT_MORE = "not_more"
    TOO_LARGE = "too_large"
    NOT_FINITE = "not_finite"
    NOT_INTEGER = "not_integer"
    NOT_NUMBER = "not_number"
    NOT_BOOLEAN = "not_boolean"
    NOT_TEXT = "not_text"
    NOT_TABLE = "not_table"
    NOT_LIST = "not_list"
    NOT_CHOICE = "not_choice"
    TOO_FEW_CHARACTERS = "too_few_characters"
    TOO_MANY_CHARACTERS = "too_many_characters"
    NAME_PATTERN = "name_pattern"
    TOO_FEW_ITEMS = "too_few_items"
    TOO_MANY_ITEMS = "too_many_items"
    NOT_PRINTABLE = "not_printable"
    DURATION_UNIT = "duration_unit"
    DURATION_TOO_LONG = "duration_too_long"
    HOURS_FORMAT = "hours_format"
    OFFSET_FORMAT = "offset_format"
    NOT_DATE = "not_date"
    INVALID = "invalid"

    LEVELS_NOT_RISING = "levels_not_rising"
    NO_TIME = "no_time"
    SHORTER_THAN = "shorter_than"
    NOT_BETWEEN = "not_between"
    MOST_BELOW_AHEAD = "most_below_ahead"
    UNKNOWN_GROUP = "unknown_group"
    UNKNOWN_SCAMS = "unknown_scams"
    KEYS_MISSING = "keys_missing"
    UNKNOWN_RESULT = "unknown_result"
    NOT_ONE_FATE = "not_one_fate"
    HOUR_OVER_DAY = "hour_over_day"
    SLOW_OVER_SUDDEN = "slow_over_sudden"
    TOO_LONG_TOGETHER = "too_long_together"
    AUTOMATIC_WITHOUT_LAW = "automatic_without_law"
    AUTOMATIC_TOO_WIDE = "automatic_too_wide"
    AUTOMATIC_UNCONFIRMED = "automatic_unconfirmed"
    RULE_HIDDEN = "rule_hidden"
    OWN_ACCOUNT_WITHOUT_GROUND = "own_account_without_ground"
    STEP_OF_PERSONS = "step_of_persons"
    STARTS_BEFORE_APPROVAL = "starts_before_approval"
    CONTROL_CHANGES = "control_changes"
    ARM_CHANGES_NOTHING = "arm_changes_nothing"
    WEIGHTS_NOT_ONE = "weights_not_one"
    UNDERPOWERED = "underpowered"
    LATER_THAN_PLAN = "later_than_plan"
    EXPERIMENTS_OVERLAP = "experiments_overlap"
    NO_AUTOMATED_CALL = "no_automated_call"
    REMINDER_AND_WARNING = "reminder_and_warning"

    HIDDEN_CHARACTER = "hidden_character"
    LINK = "link"
    BRACES = "braces"
    UNKNOWN_PLACEHOLDER = "unknown_placeholder"
    PLACEHOLDER_FORMAT = "placeholder_format"
    PLACEHOLDER_MISSING = "placeholder_missing"
    DIGIT_BESIDE_PLACEHOLDER = "digit_beside_placeholder"
    OTHER_NUMBER = "other_number"
    HOTLINE_MISSING = "hotline_missing"
    TOO_MANY_SEGMENTS = "too_many_segments"
    KEY_NOT_NAMED = "key_not_named"

    MORE = "more"


class Parameters(TypedDict, total=False):
    """The parameters of a fault's sentence; each code has some of them.

    `key`: dotted, within the faulty table. `name`, `names`: a missing or unknown key or name. `given`: the value in the
    policy's text. `kind`: pydantic's name of the rule. `least`, `most`: the permitted limits, inclusive. `choices`: the
    permitted values. `pattern`: the permitted form of a name. `sign`: an unexpected character. `byte`, `column`: the
    place in the text. `dots`: the most dots in a line. `hour`, `day`, `slow`, `sudden`: two limits that contradict each
    other. `days`: the longest duration. `taken`: the SMS segments of a text. `room`: the characters that the allowed
    segments have. `count`: the number of further faults or items. `lines`: where `names` are in the text, from 1.
    """

    key: str
    name: str
    names: Sequence[str]
    choices: str | Sequence[str]
    given: str | Sequence[str] | Sequence[float]
    sign: str
    pattern: str
    kind: str
    least: float | str
    most: float | str
    hour: int
    day: int
    slow: float
    sudden: float
    days: int
    dots: int
    byte: int
    column: int
    taken: int
    room: int
    count: int
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class PolicyFault:
    """A fault of a policy, and its place.

    `line`: from 1; None if unknown. `where`: the table and key, or "" for the whole text. `value`: a single value as in
    the text, or "".
    """

    code: FaultCode
    parameters: Parameters
    line: int | None = None
    where: str = ""
    value: str = ""

    def __str__(self) -> str:
        """Return the fault as written to a log: `line 12 [risk.prior] too_large most=0`."""
        line = f"line {self.line} " if self.line else ""
        where = f"[{self.where}] " if self.where else ""
        return f"{line}{where}{self.code}" + "".join(f" {name}={value}" for name, value in self.parameters.items())


def refused(code: FaultCode, **parameters: Unpack[Parameters]) -> PydanticCustomError:
    """Return (not raise) the exception that a validator must raise to report a fault with this code and these
    parameters.
    """
    return PydanticCustomError(code.value, code.value, {**parameters})


OF_PYDANTIC: Mapping[str, tuple[FaultCode, Mapping[str, str]]] = {
    "missing": (FaultCode.MISSING, {}),
    "extra_forbidden": (FaultCode.UNKNOWN_KEY, {}),
    "greater_than_equal": (FaultCode.TOO_SMALL, {"least": "ge"}),
    "greater_than": (FaultCode.NOT_MORE, {"least": "gt"}),
    "less_than_equal": (FaultCode.TOO_LARGE, {"most": "le"}),
    "finite_number": (FaultCode.NOT_FINITE, {}),
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), (FaultCode.NOT_INTEGER, {})),
    **dict.fromkeys(("float_type", "float_parsing"), (FaultCode.NOT_NUMBER, {})),
    **dict.fromkeys(("bool_type", "bool_parsing"), (FaultCode.NOT_BOOLEAN, {})),
    **dict.fromkeys(("string_type", "string_unicode"), (FaultCode.NOT_TEXT, {})),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), (FaultCode.NOT_TABLE, {})),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), (FaultCode.NOT_LIST, {})),
    **dict.fromkeys(("literal_error", "enum"), (FaultCode.NOT_CHOICE, {"choices": "expected"})),
    **dict.fromkeys(
        ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"),
        (FaultCode.NOT_DATE, {}),
    ),
    **dict.fromkeys(
        ("datetime_type", "datetime_parsing", "datetime_from_date_parsing", "timezone_aware"), (FaultCode.NOT_DATE, {})
    ),
    "string_too_short": (FaultCode.TOO_FEW_CHARACTERS, {"least": "min_length"}),
    "string_too_long": (FaultCode.TOO_MANY_CHARACTERS, {"most": "max_length"}),
    "string_pattern_mismatch": (FaultCode.NAME_PATTERN, {"pattern": "pattern"}),
    "too_short": (FaultCode.TOO_FEW_ITEMS, {"least": "min_length"}),
    "too_long": (FaultCode.TOO_MANY_ITEMS, {"most": "max_length"}),
}


def of_pydantic(error: ErrorDetails) -> tuple[FaultCode, Parameters]:
    """Return the code and the parameters of a pydantic error, also of one that `refused` made.

    A rule of pydantic without a code of its own gives INVALID, with the parameter `kind`.
    """
    kind, context = error["type"], error.get("ctx", {})
    if kind in _OURS:
        return FaultCode(kind), cast(Parameters, context)
    if kind not in OF_PYDANTIC:
        return FaultCode.INVALID, Parameters(kind=kind)
    code, names = OF_PYDANTIC[kind]
    found = {name: context[theirs] for name, theirs in names.items()}
    if "choices" in found:  # pydantic joins them: 'a', 'b' or 'c'
        found["choices"] = found["choices"].replace(" or ", ", ")
    return code, cast(Parameters, found)


_OURS = frozenset(code.value for code in FaultCode) - OF_PYDANTIC.keys()
