"""The escalation auditor: checks that every open case will go on; repairs and reports those that will not."""
