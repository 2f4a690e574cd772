"""From case inputs to the journal: batches behind the fence, recovery, deadlines, failover, and checks of open cases.

Imports the packages below it (see streams/). Called by the agents, the console and monitoring.
"""
