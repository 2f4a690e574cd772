"""Stop orders within a decision: `records` proposes and signs them, `decisions` has what persons decide, `reports`
drafts them on a victim's report, `onward` proposes them about accounts that the money went on to, `handover` has what
ends an order for good: another authority has frozen the account, and `objections` has what anybody says against one.

May import domain/casework/alerts, draft, payments, steps, stops and trail. Called by domain/casework, intake and the
console's release desk.
"""
