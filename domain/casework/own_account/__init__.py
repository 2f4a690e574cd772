"""Holds on outgoing transfers of the resident's own account within a decision. `last_resort`: decides whether a hold
may be proposed; `records`: finds and stores holds; `decisions`: applies persons' decisions; `delays`: holds for some
hours while an operator talks with the resident; `answers`: applies banks' answers and timers; `lifting`: ends holds
early.

May import domain/casework/draft, grounds, steps and orders. Called by domain/casework and the console.
"""
