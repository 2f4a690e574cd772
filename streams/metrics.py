"""What Prometheus reads. No label carries anything of a person; every label's values are bounded
(of sources: streams/sources).
"""

from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

CLOCKS = (0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 1800, 7200, 86_400)  # seconds: the plan's clocks and what is below

SIGNALS_SCREENED = Counter("quanzu_signals_screened_total", "Signals by what became of them", ["source", "outcome"])
SIGNAL_TO_ALERT = Histogram("quanzu_signal_to_alert_seconds", "From a signal's arrival to its alert", buckets=CLOCKS)
ALERT_TO_DISPATCH = Histogram("quanzu_alert_to_dispatch_seconds", "From an alert to its first dispatch", buckets=CLOCKS)
DISPATCH_TO_RECEIPT = Histogram(
    "quanzu_dispatch_to_receipt_seconds", "From a dispatch to its first result", ["channel"], buckets=CLOCKS
)
DEADLINE_ERROR = Histogram("quanzu_deadline_error_seconds", "How late a deadline was acted on", buckets=CLOCKS)
CASES_OPENED = Counter("quanzu_cases_opened_total", "Cases opened", ["level"])
CASES_OPEN = Gauge("quanzu_cases_open", "Open cases", ["level", "state"])
CONTACTS = Counter("quanzu_contacts_total", "What came of contacts", ["channel", "result"])
OUTCOMES = Counter("quanzu_case_outcomes_total", "How conversations ended", ["outcome"])
DISSUADED = Gauge("quanzu_dissuaded", "Cases in which the resident was dissuaded")
MONEY_KEPT = Gauge("quanzu_loss_avoided_fen", "Money kept by evidence class, D is modelled", ["evidence"])
MONEY_FROZEN = Gauge("quanzu_frozen_fen", "Money frozen at banks")
DEFRAUDED_AFTER_WARNING = Gauge("quanzu_defrauded_after_warning", "Residents defrauded after a warning", ["days"])
DEADLINES_OVERDUE = Gauge("quanzu_deadlines_overdue", "Deadlines that have passed and are not acted on", ["partition"])
HELD_BACK = Counter("quanzu_dispatches_held_total", "Dispatches held back by a mute or the stop", ["channel"])
POLICIES_STOPPED = Counter("quanzu_policies_stopped_total", "Policies that the breaker has stopped")
POLICY_HOLDS = Gauge("quanzu_policies_held", "Policies that were stopped, and whose cases wait for a person")
VISITS_JOINED = Counter("quanzu_visits_joined_total", "Visits that joined another to the same address", ["how"])
LAG = Gauge("quanzu_lag_records", "Records of a topic that wait for this worker", ["topic"])
PUT_OFF = Counter("quanzu_contacts_put_off_total", "Contacts put off by the budget", ["channel", "limit"])
DEAD_LETTERS_SENT = Counter(
    "quanzu_dead_letters_sent_again_total", "What was counted as dead-lettered and has another outcome now", ["source"]
)
DEAD_LETTERS_OPEN = Gauge("quanzu_dead_letters_open", "Dead letters neither sent again nor dropped", ["source"])
CLOCK_AHEAD = Gauge("quanzu_clock_ahead_seconds", "By how much this machine's clock is ahead of the workers' time")
CLOCK_ERROR = Gauge("quanzu_clock_error_seconds", "How far the workers' time may be off here")
CLOCK_STEPS = Counter("quanzu_clock_steps_total", "Times that a clock was set: the machine's, the shared", ["clock"])


def show_cases(counts: Mapping[str, int]) -> None:
    """Open cases by level and state, from what is counted (domain/counts)."""
    CASES_OPEN.clear()
    for name, number in counts.items():
        kind, _, rest = name.partition("|")
        if kind == "open" and number:
            level, _, state = rest.partition("|")
            CASES_OPEN.labels(level, state).set(number)


def show_money(ledger: Mapping[str, int]) -> None:
    """The ledger's sums, in fen and people."""
    DISSUADED.set(ledger.get("dissuaded", 0))
    MONEY_FROZEN.set(ledger.get("frozen", 0))
    for evidence in "ABCD":
        MONEY_KEPT.labels(evidence).set(ledger.get(f"kept_{evidence.lower()}", 0))
    for days in (30, 90):
        DEFRAUDED_AFTER_WARNING.labels(days).set(ledger.get(f"defrauded_after_warning_{days}d", 0))


def show_lag(lags: Mapping[str, int]) -> None:
    """How many records of each topic wait for this worker."""
    LAG.clear()
    for topic, records in lags.items():
        LAG.labels(topic).set(records)
