"""A Zalo on loopback: OAuth v4, Official Account, ZNS and Bot Platform, with people and faults."""

from simulators.zalo.server import APP, BOT_GROUP_ID, BOT_NAME, BOT_TOKEN, GROUP_ID, GROUP_LINK, TO_BOT, ZaloSim, start

__all__ = ["APP", "BOT_GROUP_ID", "BOT_NAME", "BOT_TOKEN", "GROUP_ID", "GROUP_LINK", "TO_BOT", "ZaloSim", "start"]
