"""Browser tests of single cases: after a loss, and handed over to another province."""
