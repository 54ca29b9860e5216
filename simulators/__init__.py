"""Servers on loopback that speak the providers' real protocols, with people on the other side (DESIGN 9)."""
