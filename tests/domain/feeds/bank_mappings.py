"""A bank's mapping for the tests, to be changed in one place. The bank and its payments are made up."""

from domain.feeds.bank_mapping import BankMapping, load

MAPPING = """
source = "alder"

[file]
format = "delimited"

[columns]
id = "serial"
at = "time"
payer = "from"
payee = "to"
amount = "sum"
balance = "before"
state = "state"
channel = "channel"
new_payee = "first"

[amount]
unit = "yuan"

[time]
format = "%Y-%m-%d %H:%M:%S"

[state]
"受理" = "attempted"
"处理中" = "pending"
"成功" = "settled"

[channel]
"手机" = "mobile_bank"
"网银" = "web_bank"
"柜面" = "counter"
"自助" = "atm"
"刷卡" = "pos"
"快捷" = "third_party"

[new_payee]
"是" = true
"否" = false
"""

CELLS = {
    "serial": "s-1",
    "time": "2026-03-01 11:12:00",
    "from": "6222000000000001",
    "to": "6222000000000002",
    "sum": "49800.00",
    "before": "61200.5",
    "state": "处理中",
    "channel": "手机",
    "first": "是",
}


def text(*changes: tuple[str, str]) -> str:
    """The mapping's text with each first text of `changes` replaced by the second."""
    changed = MAPPING
    for old, new in changes:
        assert old in changed, old
        changed = changed.replace(old, new, 1)
    return changed


def mapping(*changes: tuple[str, str]) -> BankMapping:
    """The mapping, changed likewise."""
    return load(text(*changes), "alder.toml")
