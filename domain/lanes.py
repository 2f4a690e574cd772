"""Which signals go ahead of the others: what may make a resident red now must not wait in a backlog of what may not.

Two lanes, split where signals are taken in. Evidence is a set and risk a function of set and time, so the lanes'
order between them changes no risk; only how soon it is known.
"""

from datetime import timedelta

from schemas.signals import App, AppKind, Call, NumberClass, Report, Signal, Transfer, TransferState, Watch

LEAST_FEN = 100_000  # as [risk.money] least_fen of Jilin's policy: below it a new payee is no evidence
FRESH = timedelta(hours=1)  # what a feed sends after an outage of its own comes too late for "now"

_SUSPICIOUS = frozenset({NumberClass.OVERSEAS, NumberClass.GOIP, NumberClass.SPOOFED})


def urgent(signal: Signal) -> bool:
    """Whether it may make its resident red now, by itself or with the other signals of this lane.

    Money that moves or reaches a new payee, suspicious calls (also ended: money often moves just after one), a shared
    screen, a victim's report, a change of the watchlist. The rest, most of all that comes, is ordinary life
    unless the watchlist says otherwise; by itself it is orange at most.
    """
    match signal:
        case Transfer():
            moving = signal.new_payee or signal.state is not TransferState.SETTLED
            return moving and signal.amount_fen >= LEAST_FEN and _fresh(signal, timedelta(0))
        case Call():
            return signal.number_class in _SUSPICIOUS and _fresh(signal, timedelta(seconds=signal.seconds))
        case App():
            return signal.app_kind is AppKind.MEETING and _fresh(signal, timedelta(0))
        case Report() | Watch():
            return True
    return False


def _fresh(signal: Signal, lasted: timedelta) -> bool:
    return signal.arrived is None or signal.arrived - signal.at - lasted <= FRESH
