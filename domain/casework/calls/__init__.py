"""The desk's call with a resident: who else may join it, as pure functions on a case.

domain/casework/acts.py calls them; the console asks them before it orders a call.
"""
