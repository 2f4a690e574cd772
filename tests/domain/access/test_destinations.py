"""Addresses to which webhooks may be sent."""

from ipaddress import ip_address

import pytest

from domain.access.webhooks import addresses, may_send_to, may_use_port, permitted_ports

INSIDE = addresses("10.1.2.3, fd00::7")


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2001:4860:4860::8888", "10.1.2.3", "fd00::7", "::ffff:10.1.2.3", "2002:808:808::1"]
)
def test_public_addresses_and_those_that_are_named_are_permitted(address: str) -> None:
    assert may_send_to(ip_address(address), INSIDE)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::"),  # noqa: S104 - an address, not a bind
        *("169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "100.100.100.200", "168.63.129.16", "fd00:ec2::254"),
        *("10.1.2.4", "10.0.0.0", "172.16.0.1", "192.168.1.1", "fd00::8", "100.64.0.1", "224.0.0.1", "240.0.0.1"),
        *("fec0::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:a01:204::1", "64:ff9b::7f00:1"),
    ],
)
def test_this_machine_link_local_metadata_and_unnamed_private_addresses_are_not(address: str) -> None:
    assert not may_send_to(ip_address(address), INSIDE)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "169.254.169.254", "100.100.100.200", "fd00:ec2::254"])
def test_no_list_permits_what_is_never_permitted(address: str) -> None:
    assert not may_send_to(ip_address(address), addresses(address))


def test_a_trial_sends_to_its_own_machine_and_no_further() -> None:
    assert may_send_to(ip_address("127.0.0.1"), (), trial=True)
    assert not may_send_to(ip_address("169.254.169.254"), (), trial=True)


def test_a_range_is_no_address() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/8"):
        addresses("10.0.0.0/8")


@pytest.mark.parametrize(("setting", "port", "may"), [("", 443, True), ("", 8443, False), ("8443, 9443", 9443, True)])
def test_a_public_host_gets_webhooks_on_443_and_on_the_ports_that_a_setting_names(
    setting: str, port: int, may: bool
) -> None:
    for address in (None, ip_address("203.0.114.7")):
        assert may_use_port(port, address, permitted_ports(setting)) is may
        assert may_use_port(port, address, permitted_ports(setting), trial=True) is may


def test_a_trial_may_use_any_port_of_its_own_machine_and_a_province_may_not() -> None:
    assert may_use_port(8080, ip_address("::ffff:127.0.0.1"), permitted_ports(""), trial=True)
    assert not may_use_port(8080, ip_address("127.0.0.1"), permitted_ports(""))


@pytest.mark.parametrize("setting", ["0", "65536", "https", "443,-1"])
def test_a_setting_that_names_no_port_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match=r"port|invalid literal"):
        permitted_ports(setting)
