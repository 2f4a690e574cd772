"""The escalation auditor: every open case goes on, or it is mended and reported."""
