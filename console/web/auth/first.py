"""Makes the first administrators, and reopens the account of a person who lost all factors. Called by commands on the
server.
"""

from functools import partial

from pydantic import ValidationError

from console.web.auth import passwords
from domain.access.accounts import ADMINISTRATORS, administers, changed
from schemas.administration.audit import AuditEntry
from schemas.errors import UserError
from schemas.people.staff import Account, StaffRole
from streams.installation import Installation
from streams.security import audit

BY = "command-line"  # the person in the audit: the command does not know who runs it


class AccountError(UserError):
    """An account cannot be made or reopened. The text says why and what to do."""


async def first_administrator(line: Installation, login: str, name: str, role: StaffRole) -> str:
    """Make the first administrator with this role, with an audit entry, and return the one-time password.

    Raises AccountError if an enabled account with this role or any account with this login exists, or the login or the
    name is invalid, TimeoutError if Kafka or Redis does not answer within 8 s, and SendError if Kafka refuses a record
    for good. Errors of Redis pass through.
    """
    word = passwords.one_time()
    now = line.clock.now()
    fields = {"login": login, "name": name, "role": role, "changed_at": now, "changed_by": BY}
    try:
        account = Account.model_validate(fields | await passwords.opened_by(word, line.clock.wall.now()))
    except ValidationError as error:
        raise AccountError(f"{error.errors()[0]['loc'][0]}: {error.errors()[0]['msg']}") from None

    async def told() -> None:
        entry = AuditEntry(at=now, by=BY, act="account-made", on=login, detail=f"the first {role.value}")
        await audit.write(line.producer, [entry])

    await line.staff.add(account, partial(_check_first, role, login), told)
    return word


async def open_again(line: Installation, login: str, reason: str) -> str:
    """Give an account a new one-time password, remove its second factors, enable it, write an audit entry with the
    reason, and return the password.

    Raises AccountError if no account has the login or it is a program's, TimeoutError if Kafka or Redis does not answer
    within 8 s, and SendError if Kafka refuses a record for good. Errors of Kafka and Redis pass through.
    """
    known = await line.staff.get(login)
    if known is not None and known.role is StaffRole.SERVICE:
        raise AccountError(f"{login!r} is a service account: it has tokens, and nobody signs in to it")
    word, now = passwords.one_time(), line.clock.now()
    opened = await passwords.opened_by(word, line.clock.wall.now())
    fields = opened | {"totp": None, "recovery": [], "security_keys": [], "disabled": False}

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
    """Return True if one of the two administrators' roles has no account that can sign in. Then nobody can make
    accounts: one role asks for them, and the other confirms. Errors of Kafka and Redis pass through.
    """
    everybody = await line.staff.all()
    return not all(any(administers(each, role) for each in everybody) for role in ADMINISTRATORS)


def _check_first(role: StaffRole, login: str, everybody: list[Account]) -> None:
    found = [each.login for each in everybody if each.role is role and not each.disabled]
    if found:
        raise AccountError(
            f"there is a {role.value} already: {', '.join(found)}. Accounts are asked for in the console, under 账号. "
            "Who has lost password and second factor: `quanzu console open-again LOGIN --reason …`"
        )
    if any(each.login == login for each in everybody):
        raise AccountError(f"there is an account {login!r} already: each administrator is another person")
