"""Who may call our hooks: aggregators sign nothing, so a secret in the address and their known addresses must do."""

from __future__ import annotations

import ipaddress

from adapters.contract import HookRequest
from adapters.sms.accounts import HttpAccount


class Callers:
    """The secret is part of the hook's name, so a call that comes here knew it; this looks at where it comes from."""

    def __init__(self, account: HttpAccount) -> None:
        self._networks = [ipaddress.ip_network(each, strict=False) for each in account.hook_ips]
        self._behind_proxy = account.behind_proxy

    def may_call(self, request: HookRequest) -> bool:
        if not self._networks:
            return True
        source = request.remote
        if self._behind_proxy:  # the last entry is our proxy's own; those before it are whatever the caller wrote
            source = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        try:
            address = ipaddress.ip_address(source)
        except ValueError:
            return False
        return any(address in network for network in self._networks)
