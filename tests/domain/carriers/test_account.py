"""The gateway's configuration: what is refused, with the place, a code and the fix."""

import pytest

from domain.carriers.account import GatewayFileError, read_gateway_file

GOOD = """
data = "/var/lib/quanzu/gateway"
key_file = "/etc/quanzu/sms-key"
receipts = "https://intake.example/receipts/sms"
[[carrier]]
name = "mobile"
host = "smpp.example"
port = 2775
system_id = "quanzu"
password_file = "/etc/quanzu/mobile"
sender = "10690000"
prefixes = ["+86134"]
"""


def test_a_configuration_is_read() -> None:
    file = read_gateway_file(GOOD, "gateway.toml")
    assert file.carrier[0].tls
    assert file.listen_host == "127.0.0.1"


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("port = 2775", "port = 0", "carrier.1.port", "greater_than_equal"),
        ("port = 2775", "", "carrier.1.port", "missing: Field required. Write it"),
        ('sender = "10690000"', 'sendr = "1"', "carrier.1.sendr", "Remove it, or correct its spelling"),
        ('host = "smpp.example"', 'host = "smpp.example"\ntls = false', "carrier.1", "tls = false is for this machine"),
        ('prefixes = ["+86134"]', 'prefixes = ["134"]', "carrier.1.prefixes.1", "pattern"),
        ("https://intake", "http://intake", "receipts", "http only to this machine"),
        ("[[carrier]]", 'listen_host = "0.0.0.0"\n[[carrier]]', "the whole file", "without a certificate"),
        ("[[carrier]]", 'certificate = "/c"\n[[carrier]]', "the whole file", "belong together"),
        ("data =", "data", "", "not_toml"),
    ],
)
def test_a_fault_is_told_with_its_place_and_what_to_write(old: str, new: str, place: str, words: str) -> None:
    with pytest.raises(GatewayFileError) as refused:
        read_gateway_file(GOOD.replace(old, new), "gateway.toml")
    assert str(refused.value).startswith("gateway.toml")
    assert place in str(refused.value)
    assert words in str(refused.value)


def test_two_carriers_have_two_names() -> None:
    carrier = GOOD[GOOD.index("[[carrier]]") :]
    with pytest.raises(GatewayFileError, match="two carriers are called 'mobile'"):
        read_gateway_file(GOOD + carrier, "gateway.toml")
