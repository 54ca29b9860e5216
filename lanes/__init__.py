"""Where there is work, and live hints: in-process, or on Redis. All of it can be rebuilt from the ledger."""
