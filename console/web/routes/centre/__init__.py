"""Routes for supervisors and auditors: overview, hand-over, situation, incidents, complaints, alarms, audit, policies,
wall display.
"""
