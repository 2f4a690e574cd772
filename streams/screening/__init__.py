"""Screens batches of signals: stores evidence in Redis, sends alerts to casework, and counts each signal once.

steps        the steps that agents/screening.py calls in order; lanes: what precedes a lane's next batch
records      parses records of signals; invalid ones become dead letters
subjects     the parties of a signal; matching: looks them up for a whole batch
evaluation   each signal's outcome: raised, below threshold, unmatched or duplicate
state        screening's data in Redis; store: evidence, watchlist and alerts; evidence_log: evidence on a topic
payers       who paid an account or was called by a number; fan_outs: a new watchlist entry reaches them
upstream     the lists of confirmed suspects' likely victims, read when somebody asks
positions    what was counted up to which offset; owed: what must be screened again after Redis was lost
shadow       a policy that is evaluated but alerts nobody
Imports the packages below it (see streams/). Called by the agents, the console and monitoring.
"""
