"""One folder per channel behind the contract of `adapters.contract`."""
