"""Telephones, accounts and ID numbers: their normalized forms, keyed hashes, and who held them at a given time.

Error texts never contain the value.
"""

import hmac
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Literal

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from domain.identity.divisions import division
from schemas.casework.cases import Profile
from schemas.people.residents import AssumedField, Holding, Language, Occupation, Resident, Sex

BEIJING = timezone(timedelta(hours=8))
CHINA = 86
ADULT = 18
EARLIEST_BIRTH = 1900
LEAST_SECRET = 16  # bytes of the key of the hashes
LONGEST_PHONE = 128  # characters, as in a signal's field
PUBLIC_LINES = frozenset({"110", "119", "120", "122", "12110", "12321", "12345", "12381", "96110"})
"""Normal forms of telephone lines of public services, which are nobody's own: police, fire, ambulance, traffic police,
police by text message, reports of spam, government, the ministry's warnings against fraud, and this one.
"""
Kind = Literal["id", "account", "phone", "address", "export"]

# [0-9], not \d, which also matches the digits of other scripts.
_MOBILE = re.compile(r"(?:\+86)?(1[3-9][0-9]{9})")
_PHONE = re.compile(r"\+?[0-9 ().\-‐-―/]+")
_SHORT = re.compile(r"[1-9]\d{2,5}")
_SERVICE = re.compile(r"[1-9]\d{2,5}|9[56]\d{3,6}|10[06]\d{4,17}")  # 110, 96110, 95588, and senders such as 1069…
_SERVICE_ABROAD = re.compile(r"[1-9]\d{2,5}|9[56]\d{3,6}|106\d{8,17}")  # +86 10 6xxxxxxx is a landline of Beijing
_NATIONAL = re.compile(r"1[2-9]\d{9}|10\d{7,8}|2\d{8,9}|[3-9]\d{9,10}")  # a mobile, or an area code and 7 or 8 digits
# Already normalized, as most are: no change and no cache entry is needed.
spelt_phone = re.compile(r"\+86(?:1[2-9][0-9]{9}|2[0-9]{8,9}|[3-9][0-9]{9,10})").fullmatch
spelt_account = re.compile(r"[0-9A-Z]{6,34}").fullmatch
_ID = re.compile(r"[0-9]{17}[0-9X]|[0-9]{15}")
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _BASE32 for second in _BASE32]


@lru_cache(maxsize=65_536)
def normal_phone(raw: str, region: str = "CN") -> str:
    """Return a telephone number in E.164 (+86…), or the bare digits of a service number such as 96110.

    `region`: the country (two letters) of numbers without a country code. A landline needs its area code
    (0431-8xxxxxxx), because the number exists in every city. Ranges that are not assigned yet are accepted. Raises
    ValueError, with the reason but not the number, for anything else.
    """
    if region == "CN" and spelt_phone(raw):
        return raw
    if len(raw) > LONGEST_PHONE:  # also limits the cache, whose entries might be a megabyte each
        raise ValueError(f"a telephone number has {LONGEST_PHONE} characters at most")
    text = unicodedata.normalize("NFKC", raw).strip()
    if region == "CN" and (mobile := _MOBILE.fullmatch(text)):
        return f"+86{mobile[1]}"
    if not _PHONE.fullmatch(text):
        raise ValueError("a telephone number has digits, and + only in front")
    return _service_number(text, region) or _e164(text, region)


def _service_number(text: str, region: str) -> str | None:
    digits = re.sub(r"\D", "", text)
    if not text.startswith(("+", "00")):
        return digits if (_SERVICE if region == "CN" else _SHORT).fullmatch(digits) else None
    home = digits.removeprefix("00").removeprefix("86")
    abroad = _SERVICE_ABROAD.fullmatch(home) and digits.removeprefix("00").startswith("86")
    return home if abroad else None


def _e164(text: str, region: str) -> str:
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as error:
        raise ValueError("not a telephone number that can be dialled from here") from error
    possible = phonenumbers.is_possible_number_with_reason(number)
    home, national = number.country_code == CHINA, str(number.national_number)
    if possible == ValidationResult.IS_POSSIBLE_LOCAL_ONLY or (home and len(national) < 9):
        raise ValueError("the area code is missing, or digits are")
    if home and number.italian_leading_zero:  # no Chinese number keeps a leading zero
        raise ValueError("there are too many zeros in front of the digits")
    if possible != ValidationResult.IS_POSSIBLE or (home and not _NATIONAL.fullmatch(national)):
        raise ValueError("there are too many or too few digits")
    spelt = str(phonenumbers.format_number(number, PhoneNumberFormat.E164))
    return spelt if spelt == text else _e164(spelt, region)  # each pass drops one of several leading zeros


def phone_tail(phone: str) -> str:
    """Return the last four characters of a telephone number. A warning contains them, so residents see that it is for
    them.
    """
    return phone[-4:]


def normal_account(raw: str) -> str:
    """Return an account or card number in its normal form: 6 to 34 capital letters and digits, without blanks and
    dashes.

    Raises ValueError, without the number, for anything else.
    """
    if spelt_account(raw):
        return raw
    account = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", raw)).upper()
    if not spelt_account(account):
        raise ValueError("an account has 6 to 34 letters and digits, and nothing but blanks and dashes between them")
    return account


@dataclass(frozen=True, slots=True)
class IdNumber:
    """The contents of a GB 11643 ID number: its 18 characters, date of birth, sex, and division (a code of 6 digits).

    Its repr hides the number, which must not reach a log.
    """

    number: str
    birth: date
    sex: Sex
    division: str

    def __repr__(self) -> str:
        return "IdNumber(…)"


def parse_id_number(raw: str, on: date | None = None) -> IdNumber:
    """Return the contents of a citizen's ID number of 18 characters, or of 15 as issued until 1999, converted to 18.

    Blanks and dashes are ignored. Raises ValueError, with the reason but not the number, if its form or check character
    (ISO 7064 MOD 11-2) is wrong, or if the date of birth is before 1900 or after the day `on` (None: 2100-01-01). The
    division is not checked: see `born_in_known_division`.
    """
    number = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", raw)).upper()
    if not _ID.fullmatch(number):
        raise ValueError("an ID number has 18 digits, the last of which may be X, or 15")
    if len(number) == 15:
        number = _upgraded(number)
    if ric.calc_check_digit(number) != number[-1]:
        raise ValueError("the check digit does not fit: a digit is wrong or two are exchanged")
    return IdNumber(number, _birth(number, on), Sex.MALE if int(number[16]) % 2 else Sex.FEMALE, number[:6])


def _upgraded(short: str) -> str:
    # The serials 996 to 999 were reserved for people who were a hundred or older when they got a number.
    century = "18" if short[12:] >= "996" else "19"
    number = f"{short[:6]}{century}{short[6:]}"
    return number + str(ric.calc_check_digit(number + "0"))


def _birth(number: str, on: date | None) -> date:
    try:
        birth = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError as error:
        raise ValueError("the date of birth is not a date") from error
    if birth.year < EARLIEST_BIRTH or birth > (on or date(2100, 1, 1)):
        raise ValueError("the date of birth cannot be")
    return birth


def born_in_known_division(number: IdNumber) -> bool:
    """Return True if the division in the number existed when its holder was born; of other provinces than Jilin, if it
    is known at all, in whatever year.

    False does not prove forgery: a person registered late got the code of the day of registration.
    """
    if number.division.startswith("22"):
        return division(number.division, number.birth) is not None
    try:
        return bool(ric.get_birth_place(number.number))
    except ValidationError:
        return False


def keyed_hash(secret: bytes, kind: Kind, value: str) -> str:
    """Return HMAC-SHA256 of `value`, cut to 128 bits, as 26 characters of base 32 (lower case).

    `kind` is hashed too, so an account with the digits of an ID number has another hash. Only the holder of the secret
    can compute a hash. Raises ValueError if the secret is shorter than 16 bytes: somebody could try all ID numbers.
    """
    if len(secret) < LEAST_SECRET:
        raise ValueError(f"the secret for hashes needs at least {LEAST_SECRET} bytes")
    hashed = _begun(secret, kind).copy()
    hashed.update(value.encode())
    return _base32(hashed.digest()[:16])


@lru_cache(maxsize=64)
def _begun(secret: bytes, kind: Kind) -> hmac.HMAC:
    """Return a hash that has consumed the kind, common to all its values: copying it costs 1.1 µs instead of 1.4."""
    return hmac.new(secret, f"{kind}\0".encode(), "sha256")


def account_token(secret: bytes, account: str) -> str:
    """Return the token that replaces an account number outside the register: `a` and its keyed hash.

    Raises ValueError if the account is invalid or the secret is shorter than 16 bytes.
    """
    return "a" + keyed_hash(secret, "account", normal_account(account))


def own_tokens(secret: bytes, resident: Resident) -> set[str]:
    """Return the tokens (`account_token`) of all accounts that a resident has or had.

    Raises ValueError if an account is invalid or the secret is shorter than 16 bytes.
    """
    return {account_token(secret, held.value) for held in resident.accounts}


def new_resident_id(randomness: bytes) -> str:
    """Return a resident's id, `r` and 16 characters of base 32, from ten random bytes: it reveals nothing about the
    person.

    Raises ValueError if there are not exactly ten bytes.
    """
    if len(randomness) != 10:
        raise ValueError("a resident's id takes 10 random bytes")
    return "r" + _base32(randomness)


def _base32(value: bytes) -> str:
    """Return RFC 4648 base 32 in lower case without padding; two characters at a time, because every signal
    needs it.
    """
    characters = -(-len(value) * 8 // 5)
    steps = -(-characters // 2)
    number = int.from_bytes(value, "big") << steps * 10 - len(value) * 8
    return "".join([_PAIRS[number >> place & 1023] for place in range(steps * 10 - 10, -1, -10)])[:characters]


@dataclass(frozen=True, slots=True)
class Owner:
    """A resident who holds a telephone or account from `since` (inclusive; None: always) to `until` (exclusive; None:
    still).

    `shared`: several hold it; `primary`: this one is meant first. `entered`: when another place told of it; None if the
    register has it.
    """

    resident: str
    since: datetime | None = None
    until: datetime | None = None
    shared: bool = False
    primary: bool = True
    entered: datetime | None = None


def owner(resident: Resident, holding: Holding) -> Owner:
    """Return a resident's holding of a telephone or account as an Owner. This also works for a merged entry, whose
    holdings `owned` leaves out.
    """
    return Owner(resident.id, holding.since, holding.until, holding.shared, holding.primary, holding.entered)


def holders(owners: Sequence[Owner], at: datetime) -> tuple[str, ...]:
    """Return the ids of all residents who held the value at `at`, the most likely one first; empty if nobody did.

    Primary holders come first; then those of the register before those whom another place told of; then the one with
    the latest `since`, because the end of an earlier holding is often not recorded; then the one entered last, because
    their case is the newest; then the lower id, so that all workers agree. `owners`: without merged entries (`owned`).
    """
    if len(owners) == 1:
        return (owners[0].resident,) if held(owners[0], at) else ()
    holding = [each for each in owners if held(each, at)]
    holding.sort(key=_meant)
    return tuple(dict.fromkeys(each.resident for each in holding))


def _meant(each: Owner) -> tuple[bool, bool, float, float, str]:
    entered = each.entered.timestamp() if each.entered else 0.0
    return not each.primary, each.entered is not None, -start_of(each), -entered, each.resident


def held(holding: Owner | Holding, at: datetime) -> bool:
    """Return True if a holding or ownership was in force at `at`: `since` is inclusive, `until` exclusive."""
    return (holding.since is None or holding.since <= at) and (holding.until is None or at < holding.until)


def owned(resident: Resident) -> tuple[list[Holding], list[Holding]]:
    """Return (telephones, accounts) under which an entry can be found, past ones included; both lists are empty if it
    is merged into another.
    """
    return ([], []) if resident.merged_into else (resident.phones, resident.accounts)


def start_of(holding: Owner | Holding) -> float:
    """Return when a holding or ownership began, in seconds since 1970; minus infinity if it has no beginning."""
    return holding.since.timestamp() if holding.since else float("-inf")


def resolve(resident: str, merged: Mapping[str, str | None]) -> str:
    """Return the id of the entry that represents `resident` after all merges: its own id if it was not merged.

    `merged`: by id, the entry into which it was merged, or None. Raises ValueError if the merges form a circle.
    """
    seen = {resident}
    while following := merged.get(resident):
        if following in seen:
            raise ValueError(f"resident {resident} is merged in a circle")
        seen.add(following)
        resident = following
    return resident


@dataclass(frozen=True, slots=True)
class Reach:
    """The telephone and the language for a warning to a resident.

    `phone`: E.164, None if no telephone is known. `of`: the id of the person contacted, the resident or the guardian.
    """

    phone: str | None
    language: Language
    of: str


def reach(resident: Resident, guardian: Resident | None, at: datetime) -> Reach:
    """Return where to send a warning for a resident: to the guardian if the resident is a minor and the guardian has a
    telephone, else to the resident. The telephone is None if neither has one.

    `guardian`: the guardian's entry; None if there is none. `at`: the time at which the telephone must be held. Which
    of a person's telephones is taken: see `phone_at`.
    """
    if guardian and is_minor(resident, at) and (phone := phone_at(guardian, at)):
        return Reach(phone, guardian.language, guardian.id)
    return Reach(phone_at(resident, at), resident.language, resident.id)


def is_minor(resident: Resident, at: datetime) -> bool:
    """Return True if the resident is under 18 for the whole year of `at` in China (UTC+8): only the year of birth is
    stored, so a person who turns 18 in that year is no minor.
    """
    return at.astimezone(BEIJING).year - resident.birth_year < ADULT


def phone_at(resident: Resident, at: datetime) -> str | None:
    """Return the telephone (E.164) by which to reach the resident at `at`, or None if the resident has none then: the
    first of `phones_at`.
    """
    phones = phones_at(resident, at)
    return phones[0].value if phones else None


def phones_at(resident: Resident, at: datetime) -> list[Holding]:
    """Return the telephones that the resident holds at `at` (aware), the best one to reach them first; empty if there
    is none.

    The person's own comes before a shared one, then a primary one before others, then the one whose holding began last;
    one without a known beginning is the last of these.
    """
    phones = [each for each in resident.phones if held(each, at)]
    return sorted(phones, key=lambda each: (each.shared, not each.primary, -start_of(each), each.value))


def mask_name(name: str) -> str:
    """Return a name for a screen that others can see: its first character, then stars (张**). A single
    character stays.
    """
    return name[:1] + "*" * (len(name) - 1)


def mask_phone(phone: str) -> str:
    """Return a number for a screen that others can see: a star for each character but the last four. A number of up to
    six characters stays unmasked.
    """
    return "*" * max(len(phone) - 4, 0) + phone_tail(phone) if len(phone) > 6 else phone


def stated_age(profile: Profile, now: datetime) -> int | None:
    """Return the resident's age in years at `now`, or None if nobody has asked."""
    return None if AssumedField.BIRTH_YEAR in profile.assumed else now.astimezone(BEIJING).year - profile.birth_year


def stated_sex(profile: Profile) -> Sex | None:
    """Return the resident's sex, or None if nobody has asked."""
    return None if AssumedField.SEX in profile.assumed else profile.sex


def stated_occupation(profile: Profile) -> Occupation | None:
    """Return the resident's occupation, or None if nobody has asked."""
    return None if AssumedField.OCCUPATION in profile.assumed else profile.occupation
