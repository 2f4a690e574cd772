"""Residents who ask the public check about an account before they pay, as its page does in their browser."""

import asyncio
import base64
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import httpx

from domain.identity.identifiers import normal_account
from domain.public_check.buckets import CheckStatus, bucket_of, status_in
from domain.public_check.listing import asked_text, prefix_of
from domain.public_check.oprf import evaluated, hash_to_group, random_scalar, unblinded
from schemas.people.public_check import CheckAnswer, CheckParameters, CheckQuestion
from simulators.scams.story import Pay, Story

PATH_OF_CHECK = "/v1/check"
TRIES = 20  # while the console loads its list, or counts its buckets in another number of bits
AGAIN_SECONDS = 0.5  # wall-clock
HESITATES = timedelta(minutes=10)  # so long before a payment its payer may ask about the payee; assumed
_AGAIN = (409, 503)


def account_in_question(stories: Iterable[Story], asked: Collection[str], now: datetime) -> str | None:
    """Return the account number about which a victim may ask at `now`: the payee of a payment that is made between
    `now` and ten minutes later. Return None if there is none.

    Accounts that the police have confirmed come first, then the payee of the earliest payment. Accounts in `asked` are
    left out.
    """
    found: list[tuple[bool, datetime, str]] = []
    for story in stories:
        confirmed = {mule for mule, at in story.gang.confirmed if at <= now}
        payments = [beat for beat in story.events if isinstance(beat, Pay) and beat.payee not in asked]
        found += [(p.payee not in confirmed, p.at, p.payee) for p in payments if now <= p.at <= now + HESITATES]
    return min(found)[2] if found else None


class PublicAsker:
    """Asks a console's public check. `client`: its base URL is the console's.

    The console learns a bucket of the number and a blinded element, never the number.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask_about_account(self, number: str) -> CheckStatus | None:
        """Ask the public check about an account number, and return its status, or None if it is not listed. Raises
        httpx.HTTPError if the check refuses the question or does not answer, ValueError if the number is invalid or the
        answer cannot be read, and TimeoutError if the check has not loaded its list after 10 s.
        """
        text, blind = asked_text("account", normal_account(number)), random_scalar()
        element = _text(evaluated(blind, hash_to_group(text)))
        for _ in range(TRIES):
            told = (await self._client.get(PATH_OF_CHECK)).raise_for_status()
            known = CheckParameters.model_validate_json(told.content)
            if known.bits is not None:
                bucket = bucket_of(prefix_of(text), known.bits)
                question = CheckQuestion(bits=known.bits, buckets=[bucket], elements=[element])
                answer = await self._client.post(PATH_OF_CHECK, json=question.model_dump())
                if answer.status_code not in _AGAIN:
                    return _read(answer.raise_for_status().content, blind)
            await asyncio.sleep(AGAIN_SECONDS)
        raise TimeoutError(f"the public check still loads its list after {TRIES * AGAIN_SECONDS:g} s")


def _read(content: bytes, blind: bytes) -> CheckStatus | None:
    [found] = CheckAnswer.model_validate_json(content).answers
    return status_in(_raw(found.entries), _raw(found.nonce), unblinded(blind, _raw(found.element)))


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
