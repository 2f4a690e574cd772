"""Stop orders within a decision: `records` proposes and signs them, `decisions` has what persons decide, `reports`
drafts them on a victim's report.

May import domain/casework/alerts, draft, payments, steps and stops. Called by domain/casework and the console's release
desk.
"""
