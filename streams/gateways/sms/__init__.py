"""The SMS gateway: Quanzu's orders over HTTP in, messages over SMPP 3.4 out, signed receipts back.

pdu        the messages of SMPP 3.4 as bytes; connection: one bound connection to a carrier
carrier    a carrier: connects again, keeps to its window and rate, knows whether it works
journal    what was intended and done, on disk before and after the wire; journal_steps: each change of it
sender     the waiting messages, and which carrier takes each
orders     takes Quanzu's signed orders and questions; reports: sends signed receipts back
running    joins them into one process, and reads the files that the configuration names
gateway_metrics  what Prometheus sees
Called by `quanzu gateway sms`.
"""
