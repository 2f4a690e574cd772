"""Money: the ledger of loss avoided, stop-payments and their release, reconciliation with the banks' answers.

May import schemas, domain.calendar, domain.identity and domain.policy. Called by casework, statistics, the desk and the
console.
"""
