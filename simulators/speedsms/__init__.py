"""A SpeedSMS.vn on loopback: sends, status, its rate limit, webhooks, people's messages and faults."""

from simulators.speedsms.server import ACCESS_TOKEN, FOLDER, SpeedSmsSim, start

__all__ = ["ACCESS_TOKEN", "FOLDER", "SpeedSmsSim", "start"]
