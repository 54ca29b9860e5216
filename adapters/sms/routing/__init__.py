"""Several SMS accounts as one channel: by network, price, weight and health, past accounts that do not work."""

from adapters.sms.routing.learned import LearnedCarriers
from adapters.sms.routing.router import SmsRouter
from adapters.sms.routing.views import AccountView

__all__ = ["AccountView", "LearnedCarriers", "SmsRouter"]
