"""The operators' desk: load, missed warnings, the operators' questions, hand-over, complaints, major incidents.

May import schemas, domain.casework, domain.payments and domain.identity. Called by the console and streams/monitoring.
"""
