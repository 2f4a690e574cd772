"""Contacts some time after a resident was dissuaded: the question a week later, by another channel, whether they have
paid since; and a reminder of the warning.

The same mechanism as the calls after a loss (domain/casework/shield): a step that outlives the case, is never sent
beside a plan that contacts the resident, and never in quiet hours. May import domain.casework and below. Called by the
case machine.
"""
