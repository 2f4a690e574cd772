"""The SMS gateway: Quanzu's orders over HTTP in, messages over SMPP 3.4 or CMPP out, signed receipts and replies back.

dialect    what is needed of a protocol; smpp, cmpp: the two; pdu, cmpp_units: their messages as bytes
connection one bound connection to a carrier, in its dialect
carrier    a carrier: connects again, keeps to its window and rate, knows whether it works
journal    what was intended and done, on disk before and after the wire; journal_steps, journal_replies: each change
sender     the waiting messages, and which carrier takes each
orders     takes Quanzu's signed orders and questions; reports, replies: send signed receipts and replies back
running    joins them into one process, and reads the files that the configuration names
gateway_metrics  what Prometheus sees
Called by `quanzu gateway sms`.
"""
