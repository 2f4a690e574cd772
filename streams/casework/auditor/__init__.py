"""The escalation auditor: checks that every open case will go on, and repairs and reports cases that will not."""
