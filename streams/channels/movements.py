"""Onward movements of money in a bank's answer: account numbers are replaced by tokens before any other code reads
them.
"""

from collections.abc import Iterable

from domain.identity.identifiers import account_token, normal_account
from schemas.casework.movements import MovedAccount, OnwardMovement
from schemas.channels.receipts import AccountNumber, MovementReceipt


class UnreadableAccountError(ValueError):
    """A movement has an invalid account number. The error's text does not repeat the number."""


class Tokens:
    """Replaces account numbers by tokens, which are hashes keyed with `secret`.

    `numbers`: the replaced numbers in their normal form, by token.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.numbers: dict[str, str] = {}

    def movements(self, told: Iterable[MovementReceipt]) -> list[OnwardMovement]:
        """Return a receipt's movements, in order, with tokens in place of account numbers (amounts in fen); adds the
        numbers to `numbers`.

        Raises UnreadableAccountError if an account number is invalid.
        """
        return [self._movement(each) for each in told]

    def _movement(self, told: MovementReceipt) -> OnwardMovement:
        return OnwardMovement(
            payer=self._account(told.payer),
            payee=self._account(told.payee) if told.payee else None,
            kind=told.kind,
            amount_fen=told.amount_fen,
            at=told.at,
            sequence=told.sequence,
            executed=told.executed,
        )

    def _account(self, told: AccountNumber) -> MovedAccount:
        try:
            token = account_token(self._secret, told.account)
        except ValueError as error:
            raise UnreadableAccountError(f"movements: {error}. Send the state without movements first") from None
        self.numbers[token] = normal_account(told.account)
        return MovedAccount(bank=told.bank, token=token)
