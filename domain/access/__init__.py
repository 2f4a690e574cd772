"""Who may sign in, and proof of what was done: accounts, passwords, the audit chain, case bundles, webhooks."""
