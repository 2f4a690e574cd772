"""The flow: one module for each stage. Its steps stand there in order; the steps themselves are in streams/.

screening    signals -> alerts
casework     case inputs -> journal and dispatches
dispatch     a dispatch to a provider, and its result; sms, phone, visits, payments: what each channel sends
deadlines    what falls due
failover     lost stores, and what silent owners leave undone
board        snapshots and clocks; auditor: open cases that do not go on; feeds: feed outages
worker       all of these wired, in one process

Imports streams, domain and schemas. Called by quanzu.py.
"""
