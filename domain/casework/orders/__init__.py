"""Stop orders within a decision. `records`: proposes and approves orders; `decisions`: persons' decisions; `reports`:
proposes orders on a victim's report; `onward`: proposes orders on accounts that the money reached later; `handover`:
ends an order because another authority has frozen the account; `freeze_ends`: ends that freeze; `late_answers`: decides
whether a bank's late answer still counts; `objections`: objections to an order and their review; `later`,
`later_limits`: standing approvals and what they cover; `open_orders`: which orders are open; `unanswered`: orders that
their bank has not answered.

May import domain/casework/alerts, draft, payments, steps, stops and trail. Called by domain/casework, intake and the
console's release desk.
"""
