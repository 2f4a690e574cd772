"""The question a week after a resident was dissuaded: by another channel, have they paid since?

The same mechanism as the calls after a loss (domain/casework/shield): a step that outlives the case, is never sent
beside a plan that contacts the resident, and never in quiet hours. May import domain.casework and below. Called by the
case machine.
"""
