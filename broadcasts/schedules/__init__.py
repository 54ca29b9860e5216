"""What is due at a time: sending later, recurring messages, digests, path tests and report rounds."""
