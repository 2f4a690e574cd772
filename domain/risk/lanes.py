"""Decides which signals take the urgent lane, so that what may make a resident red now does not wait in a backlog.

Intake splits the signals into two lanes. Evidence is a set and risk a function of set and time, so the order between
the lanes does not change the risk, only how soon it is known.

The urgent lane must be small: its signals cost twice as much as others (measured: they are evidence), so a share of 9 %
is half of what workers can process when three times as much arrives. Of the simulated province's everyday signals, 7 %
are urgent. With ended calls from abroad (7 %, mostly families) and settled payments to new payees (7 %) it would be 21
%, and red would wait behind them. So during a backlog, red waits if it comes only from a settled payment, a call from
abroad that was not reported while it went on, or a suspect who calls from an ordinary number.
"""

from datetime import timedelta

from schemas.risk.signals import AppKind, NumberClass, Signal, TransferState, WatchState

LEAST_FEN = 100_000  # as [risk.money] least_fen in Jilin's policy: below it, a new payee is no evidence
FRESH = timedelta(hours=1)  # signals that a feed sends after its own outage are too late to be urgent

_FORGED = frozenset({NumberClass.GOIP, NumberClass.SPOOFED})
_SUSPICIOUS = _FORGED | {NumberClass.OVERSEAS}


def urgent(signal: Signal) -> bool:
    """Return True if a signal may make its resident red now, by itself or together with other urgent signals.

    Urgent are: a payment of at least 1,000 yuan that is not settled, an ongoing suspicious call (forged number or from
    abroad), an ended call from a forged number (payments often follow it), screen sharing, a victim's report, and
    decisions about suspects. A payment, call or app signal that arrived over an hour late is not urgent; vendors'
    verdicts are not, because they come in bulk.
    """
    if signal.kind == "transfer":
        moving = signal.state is not TransferState.SETTLED and signal.amount_fen >= LEAST_FEN
        return moving and _fresh(signal, timedelta(0))
    if signal.kind == "call":
        suspicious = signal.number_class in (_SUSPICIOUS if signal.ongoing else _FORGED)
        return suspicious and _fresh(signal, timedelta(seconds=signal.seconds))
    if signal.kind == "app":
        return signal.app_kind is AppKind.MEETING and _fresh(signal, timedelta(0))
    if signal.kind == "watchlist":
        return signal.state is not WatchState.RATED
    return signal.kind == "report"


def _fresh(signal: Signal, lasted: timedelta) -> bool:
    return signal.arrived is None or signal.arrived - signal.at - lasted <= FRESH
