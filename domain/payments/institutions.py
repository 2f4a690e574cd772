"""The table of banks and payment institutions: which one has a payee's account, and how it gets a stop order."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from domain.identity.identifiers import normal_account
from domain.toml_tables import read_table
from schemas.base import Model, Text, Token
from schemas.errors import UserError

CARD_DIGITS = range(13, 20)  # of a card's number: an account of another length begins like a card by chance
PLATFORM = "电信网络新型违法犯罪交易风险事件管理平台"  # 银发〔2016〕86号
Prefix = Annotated[str, StringConstraints(pattern=r"^[0-9]{4,12}$")]


class InstitutionsError(UserError, ValueError):
    """A table of institutions is invalid. The text says why."""


class Institution(Model):
    """A bank or payment institution. `also`: other names; `cnaps`: first digits of its numbers in the payment system;
    `bins`: first digits of its cards; `reached`: how it gets an order, in words for the release desk; `cancellation`:
    the version of ISO 20022's cancellation request in which it gets stop orders (None: as JSON); `status_request`:
    the version in which it is asked about an order that it has not answered (None: as JSON); `bic`: its address in
    these messages; `desk_phone`: E.164, of its desk that joins a talk with one of its customers (None: not known).
    """

    code: Token
    name: Text
    kind: Literal["bank", "payment"] = "bank"
    also: tuple[Text, ...] = ()
    cnaps: Annotated[str, StringConstraints(pattern=r"^[0-9]{3}$")] | None = None
    bins: tuple[Prefix, ...] = ()
    reached: Text = PLATFORM
    cancellation: Literal["camt.056.001.09", "camt.056.001.12"] | None = None
    status_request: Literal["pacs.028.001.03", "pacs.028.001.06"] | None = None
    desk_phone: Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{4,14}$")] | None = None
    bic: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$")] | None = None


class _Table(Model):
    until: date
    institution: list[Institution] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = Counter(name for each in self.institution for name in {*_names(each), *each.bins})
        if twice := [name for name, times in names.items() if times > 1]:
            raise ValueError(f"{twice[0]} names two institutions")
        return self


@dataclass(frozen=True, slots=True)
class Institutions:
    """The institutions by code, in the table's order. `until`: the last day on which the table counts as up to date."""

    until: date
    by_code: Mapping[str, Institution]

    def named(self, text: str) -> Institution | None:
        """Return the institution whose code, name or other name is the whole `text`, or None. Blanks and case do not
        count.
        """
        wanted = _plain(text)
        return next((each for each in self.by_code.values() if wanted in _names(each)), None)

    def of_payee(self, name: str, account: str) -> Institution | None:
        """Return the institution of an account, by the institution's `name` or by the card number `account`.

        None if it is unknown, or if the two contradict each other, so that a person must choose.
        """
        named, card = self.named(name), self.of_card(account)
        if named is not None and card is not None and named is not card:
            return None
        return named or card

    def of_card(self, account: str) -> Institution | None:
        """Return the institution whose card prefix the number `account` begins with (the longest prefix counts). None
        if none fits, or if it is not a card number (13 to 19 digits).
        """
        try:
            number = normal_account(account)
        except ValueError:
            return None
        if len(number) not in CARD_DIGITS:
            return None
        cards = ((prefix, code) for code, each in self.by_code.items() for prefix in each.bins)
        fits = [(len(prefix), code) for prefix, code in cards if number.startswith(prefix)]
        return self.by_code[max(fits)[1]] if fits else None


@lru_cache(maxsize=4)  # a starting worker asks five times for the same 300 banks
def load(text: str) -> Institutions:
    """Return the institutions in a TOML text, by code in the text's order. Raises InstitutionsError if the text is not
    TOML, an entry is invalid, or a name or card prefix belongs to two institutions.
    """
    table = read_table(text, _Table, InstitutionsError)
    return Institutions(table.until, MappingProxyType({each.code: each for each in table.institution}))


def _names(each: Institution) -> frozenset[str]:
    return frozenset(map(_plain, (each.code, each.name, *each.also)))


def _plain(name: str) -> str:
    return "".join(name.split()).casefold()
