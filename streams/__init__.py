"""What moves and stores events: Kafka, Redis, and the steps that the agents of agents/ put together.

Packages, the lowest first; each imports only those above it in this list:
    runtime         settings, time, tasks, TLS, logs, metrics: nothing here knows Kafka's or Redis' content
    messaging       Kafka: topics, producer, readers, the Faust app, dead letters
    iso20022        banks' messages in XML: read, checked, written; it imports no other package of streams
    state           Redis: keys, scripts, locks, the case store, which Redis leads, recovery of what all share
    security        rights, encryption of personal fields, the audit topic
    repositories    what lies on compacted topics and is read from Redis: residents, rosters, staff, policies
    screening       from signals to alerts
    casework        from case inputs to the journal; recovery of a partition; checks of open cases
    channels        from dispatches to providers and back
    intake          how signals come in, and whether their feeds are heard
    dead_letters    dead letters as people handle them: listed, repaired, sent again
    installation    all of these wired together
    monitoring      read-only: status, exporter, doctor
    operations      acts on a whole installation: backup, export, erasure, policies put in force
"""
