"""An SMPP 3.4 carrier on loopback, with phones, people and faults."""

from simulators.smsc.server import PASSWORD, SHORT_CODE, SYSTEM_ID, SmscSim, made, start

__all__ = ["PASSWORD", "SHORT_CODE", "SYSTEM_ID", "SmscSim", "made", "start"]
