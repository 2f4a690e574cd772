"""Holds on outgoing transfers of the resident's own account within a decision: `last_resort` says when one may be
proposed, `records` keeps them, `decisions` has what persons decide, `answers` what the bank says and the clock ends.

May import domain/casework/draft, grounds, steps and orders. Called by domain/casework and the console.
"""
