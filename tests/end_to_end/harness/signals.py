"""What feeds tell of a test's residents. Times are given as minutes before the moment of the test."""

from datetime import timedelta
from itertools import count

from schemas.people.residents import Resident
from schemas.risk.signals import (
    App,
    AppKind,
    Call,
    Channel,
    NumberClass,
    Sms,
    Transfer,
    TransferState,
    Watch,
    WatchState,
)
from tests.end_to_end.harness.rig import Line

SCAMMER = "+85290000000"
_numbers = count(1)


def call(line: Line, to: Resident, ago: float = 3, *, ongoing: bool = False, **fields: object) -> Call:
    """A call from a GOIP gateway: over, or still going on."""
    usual: dict[str, object] = {
        **_told(line, "carrier", ago),
        "caller": SCAMMER,
        "called": to.phones[-1].value,
        "seconds": int(ago * 60) if ongoing else 60,
        "ongoing": ongoing,
        "number_class": NumberClass.GOIP,
    }
    return Call.model_validate(usual | fields)


def transfer(line: Line, payer: Resident, payee: str, ago: float = 1, **fields: object) -> Transfer:
    """A payment of ¥30,000 that has not gone through yet, to somebody never paid before."""
    usual: dict[str, object] = {
        **_told(line, "bank", ago),
        "payer": payer.accounts[0].value,
        "payee": payee,
        "amount_fen": 3_000_000,
        "balance_fen": 5_000_000,
        "channel": Channel.MOBILE_BANK,
        "state": TransferState.PENDING,
        "new_payee": True,
    }
    return Transfer.model_validate(usual | fields)


def scam_sms(line: Line, to: Resident, ago: float = 1) -> Sms:
    """One suspicious text message: blue."""
    told = _told(line, "carrier", ago)
    return Sms.model_validate(
        {**told, "sender": "10690000", "receiver": to.phones[-1].value, "number_class": NumberClass.GOIP}
    )


def scam_app(line: Line, who: Resident, ago: float = 1, kind: AppKind = AppKind.BRUSHING) -> App:
    """A scam application opened: yellow."""
    told = _told(line, "appwatch", ago)
    return App.model_validate(
        {**told, "phone": who.phones[-1].value, "app_kind": kind, "target": "app.example.invalid"}
    )


def confirmed(line: Line, account: str, ago: float = 0, state: WatchState = WatchState.CONFIRMED) -> Watch:
    """The police confirm an account as a scammer's (or lift it)."""
    told = _told(line, "police", ago)
    return Watch.model_validate({**told, "subject": "account", "value": account, "state": state})


def _told(line: Line, source: str, ago: float) -> dict[str, object]:
    at = line.house.clock.now() - timedelta(minutes=ago)
    return {"source": source, "id": f"{source}-{next(_numbers)}", "at": at}
