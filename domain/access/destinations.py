"""Addresses to which webhooks may be sent: never this machine or a cloud's own services, private ones only if named."""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address

# Services by which clouds tell a machine its credentials; those in 169.254.0.0/16 are link-local anyway.
METADATA = frozenset(map(ip_address, ("169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254")))


def may_send_to(address: Address, private: Collection[Address], trial: bool = False) -> bool:
    """Return whether a webhook may be sent to an address. `private`: the exact addresses inside the network that may.

    `trial`: an embedded installation, which may also send to its own machine.
    """
    found = address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
    if found.is_loopback:
        return trial
    if found in METADATA or found.is_link_local or found.is_multicast or found.is_unspecified or found.is_reserved:
        return False
    return found.is_global or found in private


def addresses(text: str) -> frozenset[Address]:
    """Return the addresses of a setting, separated by commas. Raises ValueError naming one that is none."""
    return frozenset(ip_address(each.strip()) for each in text.split(",") if each.strip())
