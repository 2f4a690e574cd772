"""Routes of the release desk, and of warnings to people who paid a suspect account."""
