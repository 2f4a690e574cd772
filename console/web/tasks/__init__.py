"""The officers' page: what it is told, what it tells, and the map it shows."""
