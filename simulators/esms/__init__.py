"""An eSMS.vn on loopback: sends, status calls, delivery callbacks, people's messages and faults."""

from simulators.esms.callbacks import PRIVATE_KEY, SHORT_CODE
from simulators.esms.server import API_KEY, BRANDNAME, FOLDER, SECRET_KEY, EsmsSim, start

__all__ = ["API_KEY", "BRANDNAME", "FOLDER", "PRIVATE_KEY", "SECRET_KEY", "SHORT_CODE", "EsmsSim", "start"]
