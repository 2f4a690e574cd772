"""The voice gateway: takes orders for automated calls over HTTP, places the calls over a SIP trunk or through an
Asterisk, and reports each result with a signed receipt.

`configuration` reads the TOML file; `ledger` stores each order and the result of its call; `orders` is the HTTP
interface; `gateway` dials waiting orders; `caller` carries out one call; `voices` makes the sound; `receipts` reports.
`desk` runs calls with operators: theirs to residents (`operators/`) and those to the centre (`incoming/`).
`sip/` is the protocol of the trunk, `media/` that of the sound. `asterisk/` is the other way for automated calls.
Decisions are in domain/carriers. Called by console/commands/gateway_voice.py.
"""
