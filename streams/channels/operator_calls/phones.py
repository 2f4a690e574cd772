"""Sends the console's signed orders to the voice gateway that has the operators' telephones."""

import asyncio
import base64
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import httpx
import orjson

from schemas.base import encrypted_or_local
from streams.channels.provider import KEY_HEADER
from streams.channels.settings import LEAST_KEY
from streams.channels.signing import MOST_KEYS, Signer
from streams.runtime.settings import SettingsError
from streams.runtime.tasks import wanted

log = logging.getLogger(__name__)

CALLS, ACTS, PHONES, READY = "/operator-calls", "/operator-call-acts", "/operator-phones", "/operator-ready"
VOICE = "voice"  # the channel that the signatures name
ANSWER_SECONDS = 3.0
TRIES, PAUSE_SECONDS = 3, 0.5  # of an order whose outcome is unknown: its id makes it safe
LIST_SECONDS = 30.0  # between two looks at who has a telephone
LIST_AGAIN_SECONDS = 5.0  # after a look that failed, and if the gateway takes calls: who is ready changes
_NOT_NOW = 503  # of the gateway: nothing was done
_OTHERS = 403  # of the gateway: another operator has the call
_NO_ANSWER = (httpx.HTTPError, httpx.InvalidURL)


class Placed(StrEnum):
    """The result of an order to the gateway. TAKEN: the gateway accepted it; CERTAINLY_NOT: nothing was done; OTHERS:
    nothing was done, because another operator has the call; UNKNOWN: the gateway may have accepted it.
    """

    TAKEN = "taken"
    CERTAINLY_NOT = "certainly_not"
    OTHERS = "others"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ThirdPartyToCall:
    """Whom to call into a talk. `kind`, `party`: as in ThirdPartyInCall; `number`: E.164."""

    kind: str
    party: str
    number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RecordingToMake:
    """A recording that the gateway is to make. The fields are those of the gateway's order; `key`: its 32 bytes."""

    id: str
    written_ms: int
    case: str
    cipher: str
    key: bytes = field(repr=False)


class OperatorPhones:
    """Orders calls with the operators' telephones at the voice gateway. `run`, in the background, keeps the list of
    operators who have a telephone up to date.

    `url`: the gateway's address; `keys`: for the signatures of orders, the current one first.
    """

    def __init__(self, url: str, keys: tuple[bytes, ...]) -> None:
        self._url = url.rstrip("/")
        self._signer = Signer(VOICE, {VOICE: keys}, time.time)
        self._client = httpx.AsyncClient(timeout=ANSWER_SECONDS)
        self._logins: frozenset[str] = frozenset()
        self._ready: frozenset[str] | None = None  # None: the gateway takes no calls
        self._third_parties = self._records = False

    @property
    def takes_calls(self) -> bool:
        """True if the gateway takes calls to the centre, by its latest answer; False if it does not, or has not
        answered yet.
        """
        return self._ready is not None

    @property
    def takes_third_parties(self) -> bool:
        """True if the gateway can call third parties into talks, by its latest answer; False before the first one."""
        return self._third_parties

    @property
    def records(self) -> bool:
        """True if the gateway can record talks, by its latest answer; False before the first one."""
        return self._records

    @property
    def ready(self) -> frozenset[str]:
        """The logins of the operators whose telephones ring when somebody calls the centre, by the gateway's latest
        answer; empty before the first one, or if the gateway takes no calls to the centre.
        """
        return self._ready or frozenset()

    def is_ready(self, login: str) -> bool:
        """Return True if calls to the centre ring the telephone of the operator with this login, by the gateway's
        latest answer; else False. Asks nobody.
        """
        return login in self.ready

    def has(self, login: str) -> bool:
        """Return True if the gateway has a telephone of the operator with this login, by its latest answer; else False.
        Asks nobody.
        """
        return login in self._logins

    async def run(self) -> None:
        """Ask the gateway every 30 s, or every 5 s if it takes calls to the centre or did not answer, which operators
        have a telephone; until cancelled, then close the connections. While the gateway does not answer, the last list
        is used.
        """
        try:
            while wanted():
                known = await self.look()
                await asyncio.sleep(LIST_SECONDS if known and not self.takes_calls else LIST_AGAIN_SECONDS)
        finally:
            await self._client.aclose()

    async def look(self) -> bool:
        """Ask the gateway once which operators have a telephone and what it can do, and remember the answer. Returns
        True if it answered; False, and logs it, if it did not or the answer cannot be read: the earlier answer is then
        used on.
        """
        try:
            answer = await self._client.get(self._url + PHONES, headers=self._signed("GET", PHONES, b""))
            answer.raise_for_status()
            told = answer.json()
            self._logins = frozenset(map(str, told["logins"]))
            self._ready = frozenset(map(str, told["ready"])) if "ready" in told else None
            self._third_parties = told.get("third_parties") is True
            self._records = told.get("recording") is True
        except (*_NO_ANSWER, ValueError, KeyError, TypeError) as error:
            log.warning("the gateway does not say who has a telephone (%s)", type(error).__name__)
            return False
        return True

    async def place(self, call: str, operator: str, number: str, case: str) -> Placed:
        """Order a call: ring the operator's telephone, then the number (E.164). `call`: its id, by which the gateway
        places it once; `operator`: a login; `case`: the case's id, which the gateway repeats in its reports.

        Returns TAKEN if the gateway accepted it, CERTAINLY_NOT if it was not reached or refused (OTHERS for the status
        403) at the first try, and UNKNOWN if the first try had no clear answer and the next two bring none.
        """
        told = {"operator": operator, "to": number, "case": case}
        placed = await self._post(CALLS, call, told)
        for _ in range(TRIES - 1):
            if placed is not Placed.UNKNOWN:
                return placed
            await asyncio.sleep(PAUSE_SECONDS)
            placed = await self._post(CALLS, call, told)
            if placed is Placed.CERTAINLY_NOT:  # of this try: an earlier one may have reached the gateway
                placed = Placed.UNKNOWN
        return placed

    async def act(self, call: str, operator: str, act: str) -> Placed:
        """Hold, resume or hang up the call with the id `call`. `operator`: the login of who wants it; `act`: the
        gateway's word for this.

        Returns TAKEN if it is done; CERTAINLY_NOT if the gateway does not have the call, or nobody talks; OTHERS if
        another operator has the call; UNKNOWN without a clear answer.
        """
        return await self._post(ACTS, secrets.token_hex(12), {"call": call, "operator": operator, "act": act})

    async def add_third(self, call: str, operator: str, third: ThirdPartyToCall) -> Placed:
        """Call a third party into the talk of the operator (a login) in the call with the id `call`.

        Returns TAKEN if the telephone is to ring; CERTAINLY_NOT if nobody talks, there is a third party, or the gateway
        may not call the number; OTHERS if another operator has the call; UNKNOWN without a clear answer.
        """
        whom = {"kind": third.kind, "party": third.party, "to": third.number}
        told = {"call": call, "operator": operator, "act": "add_third", "third": whom}
        return await self._post(ACTS, secrets.token_hex(12), told)

    async def record(self, call: str, operator: str, recording: RecordingToMake) -> Placed:
        """Announce to all sides of the talk of the operator (a login) in the call with the id `call` that it is
        recorded, and record it.

        Returns TAKEN if the announcement is to play; CERTAINLY_NOT if nobody talks, the call has a recording, or the
        gateway records nothing; OTHERS if another operator has the call; UNKNOWN without a clear answer.
        """
        of, key = recording, base64.b64encode(recording.key).decode()
        wanted = {"id": of.id, "written_ms": of.written_ms, "case": of.case, "cipher": of.cipher, "key": key}
        told = {"call": call, "operator": operator, "act": "record", "recording": wanted}
        return await self._post(ACTS, secrets.token_hex(12), told)

    async def consult(self, call: str, operator: str, colleague: str) -> Placed:
        """Put the resident of a talk of the operator (a login) on hold, and ring the telephone of a colleague (a
        login).

        Returns TAKEN if it is to ring; CERTAINLY_NOT if it is in use or nobody can be asked now; OTHERS if another
        operator has the call; UNKNOWN without a clear answer.
        """
        told = {"call": call, "operator": operator, "act": "consult", "colleague": colleague}
        return await self._post(ACTS, secrets.token_hex(12), told)

    async def set_ready(self, operator: str, *, ready: bool) -> Placed:
        """Order that calls to the centre ring the telephone of an operator (a login) from now on, or with `ready` False
        no longer; then ask the gateway for the present list.

        Returns the result of the order: TAKEN if the gateway accepted it, CERTAINLY_NOT or OTHERS if it was not reached
        or refused it, UNKNOWN without a clear answer.
        """
        placed = await self._post(READY, secrets.token_hex(12), {"operator": operator, "ready": ready})
        await self.look()
        return placed

    async def _post(self, path: str, key: str, told: Mapping[str, object]) -> Placed:
        body = orjson.dumps(dict(told))
        headers = {KEY_HEADER: key, "Content-Type": "application/json", **self._signed("POST", path, body)}
        try:
            answer = await self._client.post(self._url + path, content=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            log.warning("the gateway of operators' calls cannot be reached (%s)", type(error).__name__)
            return Placed.UNKNOWN if path == ACTS else Placed.CERTAINLY_NOT
        except _NO_ANSWER as error:
            log.warning("the gateway of operators' calls does not answer (%s)", type(error).__name__)
            return Placed.UNKNOWN
        if answer.is_success:
            return Placed.TAKEN
        log.warning("the gateway of operators' calls answers %d", answer.status_code)
        if answer.status_code == _OTHERS:
            return Placed.OTHERS
        certain = answer.status_code == _NOT_NOW or 400 <= answer.status_code < 500
        return Placed.CERTAINLY_NOT if certain else Placed.UNKNOWN

    def _signed(self, method: str, path: str, body: bytes) -> dict[str, str]:
        return self._signer.headers(VOICE, method, path, body)


def operator_phones(url: str | None, secret: str | None) -> OperatorPhones | None:
    """Return the operators' telephones by the console's settings; None if `url` is None. Nothing is asked yet.
    `secret`: the keys, separated by lines or commas, the current one first.

    Raises SettingsError if there is an address and no key, the address is neither https nor of this machine, there are
    over two keys, or one is shorter than 16 characters.
    """
    if url is None:
        return None  # a deployment may always name the key's file
    if secret is None:
        raise SettingsError("QUANZU_CONSOLE_PHONES_URL needs QUANZU_CONSOLE_PHONES_SECRET: set both")
    if not encrypted_or_local(url):
        raise SettingsError("QUANZU_CONSOLE_PHONES_URL: write https://HOST, or http://127.0.0.1:PORT on this machine")
    keys = tuple(each.strip().encode() for each in secret.replace(",", "\n").splitlines() if each.strip())
    if not 0 < len(keys) <= MOST_KEYS or any(len(each) < LEAST_KEY for each in keys):
        raise SettingsError(
            f"QUANZU_CONSOLE_PHONES_SECRET: write one key of {LEAST_KEY} characters or more, and during a change the "
            "former one below it, as in the file that [operators] secret_file of the gateway names"
        )
    return OperatorPhones(url, keys)
