"""Programs between Quanzu and the carriers' networks.

`sms` speaks SMPP 3.4 and CMPP, `voice` SIP. Both use `front` (orders and questions over HTTP), `nonces` (each signature
serves one order), `receipts` (results back to Quanzu) and `configured_files` (keys, certificates). Each has a journal
of its own, because it stores something else. May import domain, streams.runtime, and the signing of orders from
streams.channels.
Called by `quanzu gateway`.
"""
