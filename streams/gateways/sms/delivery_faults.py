"""Counts what a carrier delivers and the gateway cannot take, and logs it, one line of a kind in 10 s."""

import logging
import time
from dataclasses import dataclass, field

from streams.gateways.log_limit import LogLimit
from streams.gateways.sms import gateway_metrics as metrics
from streams.gateways.sms.gateway_metrics import DeliveryFault

log = logging.getLogger(__name__)

_TOLD = {
    DeliveryFault.UNREADABLE: (logging.WARNING, "a delivery that cannot be read is dropped"),
    DeliveryFault.NAMELESS: (logging.WARNING, "a receipt without a readable id or state is dropped"),
    DeliveryFault.NOT_STORED: (logging.ERROR, "the journal refuses a delivery: it is to be delivered again"),
    DeliveryFault.FAILED: (logging.ERROR, "a delivery failed: it is to be delivered again"),
}


@dataclass(frozen=True, slots=True)
class DeliveryFaults:
    """The faults in what carriers deliver."""

    _lines: LogLimit = field(default_factory=LogLimit)

    def note(self, carrier: str, fault: DeliveryFault, error: Exception | None = None) -> None:
        """Count a fault of this carrier in the metric, and log it if no line of its kind was logged within 10 s.
        `error`: its type is logged, not its text.
        """
        metrics.FAULTS.labels(carrier, fault).inc()
        more = self._lines.due((carrier, fault), time.monotonic())
        if more is not None:
            level, told = _TOLD[fault]
            why = f" ({type(error).__name__})" if error else ""
            log.log(level, "carrier %s: %s%s; %d more since the last such line", carrier, told, why, more)
