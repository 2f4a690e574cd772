"""The province's metrics, told by one process from the servers themselves: what no single worker knows, and what must
be known when no worker runs. The durable tallies are read as they were committed, so they equal the journal.
"""
