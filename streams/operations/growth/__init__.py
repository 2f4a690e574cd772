"""Growth: more partitions for an installation that is drained and stopped, with the same cases, journal and evidence.

running         one run of the command: its connections, its turn, its audit lines
turn            only one run at a time
steps           the steps in their order; an interrupted run continues
readiness       what must be true before it begins
broker          the administration of Kafka's topics and consumer groups
copies          verified copies of topics, with each record in the partition where its resident belongs
moved_journal   the copy of the journal of cases, and the journal made from it
late_inputs     inputs that a process with the old number of partitions wrote meanwhile
moved_keys      keys of Redis that nothing else can restore

docs/how-to/grow.md explains the order. May import every package below operations. Called by a command.
"""
