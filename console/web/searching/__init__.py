"""Data of the page of a search for a resident: the form that starts it, its places with their states, and the plan.

May import kit, auth, rosters, domain and streams; the routes use it. The places come from the search's list, which is
erased after the search; the case has only their numbers.
"""
