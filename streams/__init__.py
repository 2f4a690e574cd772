"""Everything that moves and stores events: Kafka, Redis, and the steps that the agents of agents/ combine.

Packages, the lowest first; each imports only those above it in this list:
    runtime         settings, time, tasks, TLS, logs, metrics: nothing here knows Kafka's or Redis' content
    messaging       Kafka: topics, producer, readers, the Faust app, dead letters
    iso20022        banks' messages in XML: read, checked, written; it imports no other package of streams
    state           Redis: keys, scripts, locks, the case store, which Redis leads, recovery of shared data
    security        rights, encryption of personal fields, the audit topic
    repositories    data on compacted topics that is read from Redis: residents, rosters, staff, policies
    screening       from signals to alerts
    casework        from case inputs to the journal; recovery of a partition; checks of open cases
    channels        from dispatches to providers and back
    intake          receives signals, and detects feeds that stop sending
    dead_letters    lists, repairs and sends again refused records
    installation    connects all of these in one process
    monitoring      read-only: status, exporter, doctor
    operations      operations on a whole installation: backup, export, erasure, activation of policies
    gateways        programs of their own between Quanzu and the carriers' networks: SMS, calls
"""
