"""The trail of a case's money: `movements` stores banks' statements about it, `tree` shows where the money is.

May import domain/casework/draft, domain/payments, domain/policy and domain/tracing. Called by domain/casework, the
console's case page and the erasure of a person.
"""
