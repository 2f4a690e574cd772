"""Laws of what may follow a person's report: a loss, and a hand-over to another province."""
