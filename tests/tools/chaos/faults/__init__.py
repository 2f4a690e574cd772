"""Every kind of fault."""

from tests.tools.chaos.faults import (
    brokers,
    carriers,
    gateway,
    machine,
    network,
    records,
    redis,
    retention,
    vault,
    voice,
    workers,
)
from tests.tools.chaos.faults.base import Fault

MODULES = (workers, brokers, redis, retention, carriers, network, machine, records, vault, gateway, voice)
KINDS: dict[str, Fault] = {fault.kind: fault for module in MODULES for fault in module.FAULTS}
