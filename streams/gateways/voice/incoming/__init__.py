"""Calls to the centre's own numbers: queued, brought to operators who are ready, or turned into call-back requests.

`table` is the configuration; `calls` decides on each call of the trunk and runs it; `conversation` carries out one;
`queue` brings callers and operators together; `ready` knows who takes calls; `sounds` is what a caller hears; `ledger`
stores each state before it is reported; `orders` is the HTTP interface. Decisions are in
domain/carriers/incoming_calls.py.
"""
