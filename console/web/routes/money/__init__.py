"""The release desk and who paid a suspect account."""
