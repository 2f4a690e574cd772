"""Telephone, account and ID numbers that nobody has, so that a number that leaves the simulation reaches nobody.

Telephones begin with +86 12, which no Chinese mobile range does, and can be written and looked up like others. Only an
authority's landline that a scammer shows begins with +86 431 0, as no number in Changchun does. Foreign telephones are
from ranges reserved for fiction (UK, USA) or never assigned (Korea). Accounts begin with 999, which no bank's cards do;
ID numbers with 99, which is not a province.
"""

from random import Random

from stdnum import luhn
from stdnum.cn import ric

from schemas.people.residents import Sex
from schemas.risk.signals import NumberClass

BANKS = ("bank-a", "bank-b", "bank-c", "pay-a")
HOTLINE = "96110"


def resident_phone(serial: int) -> str:
    """Return the telephone number (E.164) of the register with this serial number, which must be at least 0 and below a
    hundred million.
    """
    return f"+86120{serial:08d}"


def other_phone(chance: Random) -> str:
    """Return a random telephone number (E.164) that is not in the register, as of a relative, a courier or a trusted
    contact.
    """
    return f"+86121{chance.randrange(10**8):08d}"


def korean_phone(chance: Random) -> str:
    """Return a random South Korean telephone number (E.164) from a range that was never assigned."""
    return f"+8210000{chance.randrange(10**5):05d}"


def abroad_phone(chance: Random) -> str:
    """Return a random British or American telephone number (E.164) from a range that is reserved for fiction."""
    return chance.choice((f"+447700900{chance.randrange(1000):03d}", f"+1202555{chance.randrange(100, 200):04d}"))


def scam_phone(chance: Random, shown: NumberClass) -> str:
    """Return a random telephone number (E.164) of a scammer that fits the class `shown`, which the carrier reports: a
    foreign number for OVERSEAS, an authority's landline for SPOOFED, otherwise a mobile number.
    """
    if shown is NumberClass.OVERSEAS:
        return abroad_phone(chance)
    if shown is NumberClass.SPOOFED:  # looks like an authority's landline
        return f"+864310000{chance.randrange(10**4):04d}"
    return f"+86122{chance.randrange(10**8):08d}"


def account(bank: str, serial: int) -> str:
    """Return a card number of 16 digits with a valid check digit. The fourth digit identifies the bank; `serial` (below
    10 to the power 11) identifies the account within the bank.

    Raises ValueError if `bank` is not in BANKS.
    """
    body = f"999{BANKS.index(bank)}{serial:011d}"
    return body + str(luhn.calc_check_digit(body))


def bank_of(number: str) -> str:
    """Return the name of the bank (one of BANKS) of a card number that `account` made. For another text, raises
    IndexError or ValueError, or returns any bank.
    """
    return BANKS[int(number[3])]


def id_number(chance: Random, birth_year: int, sex: Sex) -> str:
    """Return a random ID number of 18 characters with a valid check character, for this year of birth and sex. Its
    province does not exist.
    """
    month, day = chance.randint(1, 12), chance.randint(1, 28)
    order = chance.randrange(500) * 2 + (sex is Sex.MALE)
    body = f"99{chance.randrange(10**4):04d}{birth_year}{month:02d}{day:02d}{order:03d}"
    return body + str(ric.calc_check_digit(body + "0"))
