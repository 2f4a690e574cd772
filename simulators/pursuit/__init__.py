"""The study of stops: how much stolen money banks hold after victims' reports, and how soon, in simulated provinces.

`money`: the truth, that is, where each fen is; `reports`: random thefts and reports; `banks`: the banks' answers;
`run`: a province in which the product's own rules decide; `oracle`: a province with an oracle that knows all accounts;
`figures`: sums over provinces.

May import domain, schemas, streams/casework and simulators/assumptions, lab and world. Called by `quanzu lab stops`.
"""
