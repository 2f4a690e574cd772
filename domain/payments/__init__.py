"""Money: the ledger of loss avoided, stop-payments at banks and their release, reconciliation with a bank's list."""
