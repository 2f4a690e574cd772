"""Signals in batches: evidence in Redis, alerts to casework, each signal counted once.

lanes        the stage: one batch of a lane from start to end
records      reads records of signals; dead letters for what is none
subjects     whom a signal is about; sifting: looked up for a whole batch
verdicts     each signal's outcome: raised, below threshold, unmatched or duplicate
store        evidence, watchlist and alerts in Redis; evidence_log: the same on a topic
payers       who paid an account; fan_outs: a new entry of the watchlist reaches them
positions    what was counted up to which offset; owed: what a lost Redis must screen again
shadow       a policy that is scored and alerts nobody

Imports the packages below it (see streams/). Called by the agents, the console and monitoring.
"""
