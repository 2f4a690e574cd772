"""The ways in: signals over HTTP and from files, one code behind both."""
