"""The flow: one module for each stage. It says which topic the stage reads and which step of streams/ it calls.

screening    signals -> alerts
casework     case inputs -> journal and dispatches
deadlines    what falls due; what silent owners leave undone
sms, phone, visits, payments    a dispatch to a provider; red carries out red's dispatches of all channels first
board        snapshots and clocks; auditor: open cases that do not go on; feeds: feed outages
worker       all of these in one process

Imports streams, domain and schemas. Called by quanzu.py.
"""
