"""The phone wall: what a group member, a commune leader and a resident see, and a way to answer as them."""

from simulators.phones.server import PhoneWall, start
from simulators.phones.view import World

__all__ = ["PhoneWall", "World", "start"]
