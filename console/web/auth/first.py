"""Makes the first administrator, and reopens the account of a person who lost all factors. Called by server
commands.
"""

from datetime import UTC, datetime

from pydantic import ValidationError

from console.web.auth import passwords
from domain.access.accounts import administers, changed
from schemas.administration.audit import AuditEntry
from schemas.errors import UserError
from schemas.people.staff import Account, StaffRole
from streams.installation import Installation
from streams.security import audit

BY = "command-line"  # the person in the audit: the command does not know who runs it


class AccountError(UserError):
    """An account cannot be made or reopened; the text says why and what to do."""


async def first_administrator(line: Installation, login: str, name: str) -> str:
    """Make the first administrator and return the one-time password.

    Raises AccountError if an administrator who can sign in exists, or the login or the name is invalid, and
    TimeoutError if Kafka or Redis does not answer.
    """
    word = passwords.one_time()
    now = line.clock.now()
    fields = {"login": login, "name": name, "role": StaffRole.ADMINISTRATOR, "changed_at": now, "changed_by": BY}
    try:
        account = Account.model_validate(fields | await _opened_by(line, word))
    except ValidationError as error:
        raise AccountError(f"{error.errors()[0]['loc'][0]}: {error.errors()[0]['msg']}") from None

    async def told() -> None:
        entry = AuditEntry(at=now, by=BY, act="account-made", on=login, detail="the first administrator")
        await audit.write(line.producer, [entry])

    await line.staff.add(account, _check_first, told)
    return word


async def open_again(line: Installation, login: str, reason: str) -> str:
    """Give an account a new one-time password, remove its second factor, enable it, and return the password.

    Raises AccountError if there is no such account, and TimeoutError if Kafka or Redis does not answer.
    """
    word, now = passwords.one_time(), line.clock.now()
    fields = await _opened_by(line, word) | {"totp": None, "recovery": [], "disabled": False}

    async def told(before: Account, after: Account) -> None:
        await audit.write(
            line.producer, [AuditEntry(at=now, by=BY, act="account-opened-again", on=login, reason=reason)]
        )

    try:
        await line.staff.change(login, lambda account, _: changed(account, BY, now, **fields), told)
    except KeyError:
        raise AccountError(f"there is no account {login!r}") from None
    return word


async def nobody_can_sign_in(line: Installation) -> bool:
    """Return whether there is no administrator who can sign in."""
    return not any(map(administers, await line.staff.all()))


def _check_first(everybody: list[Account]) -> None:
    found = [each.login for each in everybody if administers(each)]
    if found:
        raise AccountError(
            f"there is an administrator already: {', '.join(found)}. Accounts are made by an administrator in the "
            "console, under 账号. Who has lost password and second factor: `quanzu console open-again LOGIN --reason …`"
        )


async def _opened_by(line: Installation, word: str) -> dict[str, object]:
    until = datetime.fromtimestamp(line.clock.wall.time(), UTC) + passwords.ONE_TIME
    return {"password": await passwords.hashed(word), "must_change": True, "password_until": until}
