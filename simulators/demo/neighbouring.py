"""Gives a demo a neighbouring province: its server, its key, and a policy under which cases are handed over to it."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from domain.policy import load
from simulators.providers import serving
from simulators.providers.neighbour import NEIGHBOUR, NeighbourProvince
from streams.channels.settings import ChannelSettings
from streams.repositories.policies import read
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings
from streams.security.secrets import province_signer

POLICY_FILE = "demo-policy.toml"  # in the data folder
SECTION = f"""
[handover]  # of the demo: to its simulated neighbour
provinces = ["{NEIGHBOUR}"]

[handover.deadline]  # as docs/how-to/handover.md proposes
red = "1m"
orange = "10m"
yellow = "1h"
blue = "1h"
"""


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The settings of an installation and of its channels, and the simulated neighbouring province that they name;
    `neighbour` is None if there is none.
    """

    settings: Settings
    channels: ChannelSettings
    neighbour: NeighbourProvince | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the environment variables by which a worker knows the other provinces (QUANZU_PROVINCES); empty if the
        settings name none.
        """
        return {"QUANZU_PROVINCES": self.channels.provinces} if self.channels.provinces else {}


async def with_neighbour(
    stack: AsyncExitStack, settings: Settings, channels: ChannelSettings, clock: Clock
) -> Neighbourhood:
    """Serve a simulated neighbouring province until `stack` is closed. Return it with settings that name it and a
    policy that allows hand-overs; unless the policy in force does, a changed copy is written to the data folder.

    Return the settings unchanged, without a neighbour, if the servers are not embedded, or the settings already name
    other provinces or a secret for receipts. Raises PolicyError if the policy is invalid, and OSError if it cannot be
    read or written.
    """
    if not settings.embedded or channels.provinces or channels.receipts_secret is not None:
        return Neighbourhood(settings, channels)
    keys = _naming(channels, "http://127.0.0.1").receipt_keys(settings)[province_signer(NEIGHBOUR)]
    neighbour = NeighbourProvince(clock, keys)
    address = await stack.enter_async_context(serving(neighbour.app))
    handing_over = await asyncio.to_thread(_policy_with_handover, settings)
    return Neighbourhood(handing_over, _naming(channels, address), neighbour)


def _naming(channels: ChannelSettings, address: str) -> ChannelSettings:
    return channels.model_copy(update={"provinces": f"{NEIGHBOUR}={address}"})


def _policy_with_handover(settings: Settings) -> Settings:
    """Write the policy with a section on hand-overs to the data folder, and return settings that name it. A policy that
    has the section stays as it is.
    """
    text = read(settings.policy)
    if load(text).handover is not None:
        return settings
    path = settings.data / POLICY_FILE
    path.write_text(f"{text.rstrip()}\n{SECTION}", "utf-8")
    return settings.model_copy(update={"policy": path})
