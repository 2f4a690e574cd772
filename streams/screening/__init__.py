"""Signals in batches: evidence in Redis, alerts to casework, each signal counted once.

steps        the steps that agents/screening.py puts in order; lanes: what comes before a lane's next batch
records      reads records of signals; dead letters for what is none
subjects     whom a signal is about; matching: looked up for a whole batch
evaluation   each signal's outcome: raised, below threshold, unmatched or duplicate
state        what screening keeps in Redis; store: evidence, watchlist and alerts; evidence_log: evidence on a topic
payers       who paid an account; fan_outs: a new entry of the watchlist reaches them
positions    what was counted up to which offset; owed: what a lost Redis must screen again
shadow       a policy that is scored and alerts nobody

Imports the packages below it (see streams/). Called by the agents, the console and monitoring.
"""
