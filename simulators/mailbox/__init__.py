"""A mail server on loopback that keeps what it gets, and a page that shows it."""

from simulators.mailbox.server import MailboxSim, start
from simulators.mailbox.smtp import Mail

__all__ = ["Mail", "MailboxSim", "start"]
