"""From case inputs to the journal: commits behind a fence, recovery, deadlines, failover, and audits of open cases.

steps        the steps that agents/casework.py calls in order; batch: decisions on a batch, in memory
journal      publishes entries and dispatches; snapshots: the latest state of each case
upkeep       keeps stores complete beside the flow
recovery     restores a partition that Redis lost; replay: turns proven journal entries into store updates
deadlines    writes an input for each due deadline
failover     which partitions have an owner, and which worker covers for a silent one
claims       which operator has claimed a case; breaker: stops a policy that raises too many cases
auditor/     checks that every open case has a next step
Imports the packages below it (see streams/). Called by the agents, the console and monitoring.
"""
