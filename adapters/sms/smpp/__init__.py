"""An SMPP 3.4 ESME: our own asyncio session (SMPP v3.4 Issue 1.2, with the parts of v5.0 that 3.4 peers send)."""
