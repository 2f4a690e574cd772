"""From case inputs to the journal: batches behind the fence, recovery, deadlines, failover, and checks of open cases.

steps        the steps that agents/casework.py puts in order; batch: the decisions in memory
journal      publishes entries and dispatches; snapshots: the latest state of each case
upkeep       keeps partitions complete beside the flow
recovery     fills a partition that Redis has lost; replay: turns proven journal entries into store changes
deadlines    writes an input for what has fallen due
failover     which partitions have an owner, and who covers for a silent one
claims       which operator has a case; breaker: stops a policy that raises too many cases
auditor/     checks that every open case goes on

Imports the packages below it (see streams/). Called by the agents, the console and monitoring.
"""
