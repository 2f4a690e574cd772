"""The flow of a worker: one module for each stage, with the stage's steps in order. The steps themselves are in
streams/.

screening    signals -> alerts
casework     case inputs -> journal and dispatches
dispatch     carries dispatches out and reports their results; sms, phone, visits, payments, provinces: each channel's
             requests
reports      reports of parties outside and the police's records of frauds -> case inputs
deadlines    writes an input for each deadline that is due, and re-evaluates residents
failover     restores lost stores, and does the work of partitions whose owner is silent
board        case snapshots and latency metrics; auditor: repairs open cases without a next step; feeds: feed outages;
             outcomes: experiments that do harm, and frauds after warnings
worker       connects all of these in one process

Imports streams, domain and schemas. Called by quanzu.py.
"""
