"""The study of stops: how much stolen money banks hold after victims' reports, and how soon, in simulated provinces.

`money` is the truth: where each fen is. `reports` draws thefts and reports, `banks` the banks' answers. `run` decides
with the product's own rules, `oracle` knows all accounts, `figures` sums up.

May import domain, schemas, streams/casework and simulators/assumptions, lab and world. Called by `quanzu lab stops`.
"""
