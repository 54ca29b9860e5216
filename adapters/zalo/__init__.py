"""Zalo: the Bot Platform, the Official Account (group, one to one, ZNS), each a channel of its own."""
