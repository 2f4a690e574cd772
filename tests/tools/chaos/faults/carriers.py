"""Faults of carriers, banks and stations: each strikes one of them, the carrier most often."""

from random import Random

from simulators.providers.base import ACTS_THEN, CUT
from simulators.providers.base import Fault as ProviderFault
from tests.tools.chaos.faults.base import Fault, Strike
from tests.tools.chaos.stage import Stage

WEIGHTS = (4, 1, 1)  # of carrier, bank and station: most contacts are the carrier's


def _fault(name: str, seconds: tuple[float, float] = (0.0, 0.0)) -> Strike:
    async def strike(stage: Stage, chance: Random) -> None:
        (struck,) = chance.choices(stage.providers, WEIGHTS)
        how = ProviderFault(times=chance.randint(2, 8), seconds=chance.uniform(*seconds), minutes=chance.uniform(1, 6))
        struck.faults[name] = how

    return strike


async def _request_delayed(stage: Stage, chance: Random) -> None:
    """The network holds requests up beyond their lease; then they arrive, and the provider acts."""
    (struck,) = chance.choices(stage.providers, WEIGHTS)
    seconds = stage.running.line.outgoing.channels.lease_seconds + chance.uniform(0.5, 1.5)
    struck.faults["late_act"] = ProviderFault(times=chance.randint(1, 4), seconds=seconds)


# A client waits for three seconds.
FAULTS = (
    Fault("carrier_500", "answers", _fault("error")),
    Fault("carrier_hangs", "answers", _fault("hang", (3.5, 5.0))),
    Fault("carrier_answers_too_late", "answers", _fault("late_answer", (3.2, 4.5))),
    Fault("carrier_acts_too_late", "answers", _fault("late_act", (3.2, 4.5))),
    *(Fault(f"carrier_acts_then_{status}", "answers", _fault(name)) for name, status in ACTS_THEN.items()),
    Fault("carrier_acts_then_cuts", "answers", _fault(CUT)),
    Fault("request_delayed_past_lease", "answers", _request_delayed, early=True),
    Fault("receipts_twice", "receipts_twice", _fault("receipts_twice")),
    Fault("receipts_late", "receipts_late", _fault("receipts_late")),
    Fault("receipts_out_of_order", "receipts_reversed", _fault("receipts_reversed")),
)
