"""Hand-overs of cases between provinces: `request` builds one, `gateway` sends it, `receiving` takes one in.

May import what streams/channels may. agents/provinces.py sends; intake's process receives.
"""
