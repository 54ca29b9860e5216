"""A Telegram Bot API server on loopback, with people, groups and faults."""

from simulators.telegram.server import DEFAULT_TOKEN, TelegramSim, start

__all__ = ["DEFAULT_TOKEN", "TelegramSim", "start"]
