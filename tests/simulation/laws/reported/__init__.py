"""Laws of what may follow a person's report: a loss, a dissuasion, and a hand-over to another province."""
