"""Routes for officers and their stations: visit tasks, rosters, an officer's own shifts."""
