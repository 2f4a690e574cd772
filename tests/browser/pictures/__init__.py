"""Pictures of each role's main pages for docs/console: `make pictures`."""
