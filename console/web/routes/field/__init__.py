"""Officers' tasks, rosters and shifts."""
