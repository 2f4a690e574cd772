"""What keeps the store and the journal consistent: the chain of commits, and the epochs that name the leading Redis."""
