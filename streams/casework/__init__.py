"""From case inputs to the journal: batches behind the fence, recovery, deadlines, failover, and checks of open cases.

partition    the stage: takes a batch of one partition, decides and commits; batch: the decisions in memory
journal      publishes entries and dispatches; snapshots: the latest state of each case
recovery     fills a partition that Redis has lost; replay: turns proven journal entries into store changes
deadlines    writes an input for what has fallen due
failover     finds partitions whose worker is silent, and takes over their work
claims       which operator has a case; breaker: stops a policy that raises too many cases
auditor/     checks that every open case goes on

Imports the packages below it (see streams/). Called by the agents, the console and monitoring.
"""
