"""The voice gateway: takes orders for automated calls over HTTP, places the calls over a SIP trunk, and reports each
result with a signed receipt.

`configuration` reads the TOML file; `ledger` keeps each order and what became of it; `orders` is the HTTP interface;
`gateway` dials what waits; `caller` carries out one call; `voices` makes the sound; `receipts` reports. `sip/` speaks
to the trunk, `media/` carries the sound. Decisions are in domain/carriers. Called by console/commands/gateway_voice.py.
"""
