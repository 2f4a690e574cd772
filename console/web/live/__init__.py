"""What stands in the store, followed as it changes: for the pages that are live."""
