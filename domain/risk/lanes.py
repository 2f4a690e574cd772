"""Which signals go ahead of the others: what may make a resident red now must not wait in a backlog of what may not.

Two lanes, split where signals are taken in. Evidence is a set and risk a function of set and time, so the lanes'
order between them changes no risk; only how soon it is known.

The urgent lane has to be small: its signals cost twice what others do (measured: they are evidence), so a share of 9 %
is half of what workers can do when three times as much comes. Of the simulated province's ordinary life 7 % are urgent.
With them calls from abroad that have ended (7 %, mostly families) and settled payments to new payees (7 %) would make
it 21 %, and red waited behind them. So what remains: while there is a backlog, red waits that comes only of a settled
payment, of a call from abroad that nobody told of while it went on, or of a suspect who calls from an ordinary number.
"""

from datetime import timedelta

from schemas.risk.signals import AppKind, NumberClass, Signal, TransferState

LEAST_FEN = 100_000  # as [risk.money] least_fen of Jilin's policy: below it a new payee is no evidence
FRESH = timedelta(hours=1)  # what a feed sends after an outage of its own comes too late for "now"

_FORGED = frozenset({NumberClass.GOIP, NumberClass.SPOOFED})
_SUSPICIOUS = _FORGED | {NumberClass.OVERSEAS}


def urgent(signal: Signal) -> bool:
    """Whether it may make its resident red now, by itself or with the other signals of this lane.

    Money that moves, a suspicious call that goes on, or has ended if its number was forged (money often moves just
    after one), a shared screen, a victim's report, a change of the watchlist.
    """
    if signal.kind == "transfer":
        moving = signal.state is not TransferState.SETTLED and signal.amount_fen >= LEAST_FEN
        return moving and _fresh(signal, timedelta(0))
    if signal.kind == "call":
        suspicious = signal.number_class in (_SUSPICIOUS if signal.ongoing else _FORGED)
        return suspicious and _fresh(signal, timedelta(seconds=signal.seconds))
    if signal.kind == "app":
        return signal.app_kind is AppKind.MEETING and _fresh(signal, timedelta(0))
    return signal.kind in ("report", "watchlist")


def _fresh(signal: Signal, lasted: timedelta) -> bool:
    return signal.arrived is None or signal.arrived - signal.at - lasted <= FRESH
