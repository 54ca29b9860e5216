"""One bind: exactly one socket at a time, from connecting to a polite unbind, and again when it breaks.

    closed → connecting → binding → bound → draining → closed …   or → stopped (credentials refused)

A new socket is opened only after the old one is closed, so that a carrier never sees two sessions of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from enum import StrEnum
from typing import Final, Literal

import structlog

from adapters.contract import Now, RejectClass, Rejected
from adapters.sms.settings import SmppAccount
from adapters.sms.smpp import limits
from adapters.sms.smpp.codes import AUTH, Status, code
from adapters.sms.smpp.inbox import Inbox
from adapters.sms.smpp.link import Link, LinkClosed, Sent
from adapters.sms.smpp.pdu import Bind as BindFields
from adapters.sms.smpp.pdu import Command, bind_body
from adapters.sms.smpp.pump import Pump

log = structlog.get_logger(__name__)

Role = Literal["trx", "tx", "rx"]
_COMMANDS: Final = {
    "trx": Command.BIND_TRANSCEIVER,
    "tx": Command.BIND_TRANSMITTER,
    "rx": Command.BIND_RECEIVER,
}
_JITTER: Final = (0.75, 1.25)
"""Share of the back-off: accounts and machines do not come back in step."""
_POLL_SECONDS: Final = 0.02


class BindState(StrEnum):
    CLOSED = "closed"
    CONNECTING = "connecting"
    BINDING = "binding"
    BOUND = "bound"
    DRAINING = "draining"
    STOPPED = "stopped"


class AuthGuard:
    """Shared by the binds of one account: one attempt at a time, none after too many refusals."""

    def __init__(self) -> None:
        self.attempt = asyncio.Lock()
        self.refusals = 0
        self.resumed = asyncio.Event()

    @property
    def stopped(self) -> bool:
        return self.refusals >= limits.AUTH_TRIES

    def resume(self) -> None:
        """An operator has mended the credentials: try again."""
        self.refusals = 0
        self.resumed.set()


class Bind:
    """`error` is the last failure ("" while bound): `unreachable`, `tls`, `timeout`, `refused`, `auth`,
    `already_bound`, `broken` (by ourselves), or why the link ended; `status` its command_status."""

    def __init__(
        self, account: SmppAccount, role: Role, pump: Pump, inbox: Inbox, auth: AuthGuard, now: Now,
        tls: ssl.SSLContext | None,
    ) -> None:  # fmt: skip
        self.role = role
        self.state = BindState.CONNECTING
        self.link: Link | None = None
        self.error = ""
        self.status = 0
        self.proven_at: float | None = None
        """Epoch seconds at which the peer last accepted a bind or was seen alive."""
        self.strays = 0
        self._account = account
        self._timers = account.timers
        self._pump = pump
        self._auth = auth
        self._now = now
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._failures = 0
        self._retry_at = 0.0
        self._closing = False
        self._draining: asyncio.Task[None] | None = None
        self._log = log.bind(account=account.name, role=role)
        self.answered = pump.answered  # straight through: these two are called for every message
        self.delivered = inbox.delivered

    @property
    def transmits(self) -> bool:
        return self.role != "rx"

    def retry_in(self) -> float:
        """Seconds until the next attempt, 0 while one is being made."""
        return max(0.0, self._retry_at - self._loop.time())

    async def run(self) -> None:
        """Until cancelled: keep the bind up."""
        while not self._closing:
            if self._auth.stopped:
                self._set(BindState.STOPPED)
                self._auth.resumed.clear()
                await self._auth.resumed.wait()
            try:
                bound_for = await self._one_link()
            except Exception:  # a fault of our own costs a link, not the account
                self._log.exception("smpp_bind_broken")
                self.link, self.error, self.status, bound_for = None, "broken", 0, 0.0
            if not self._closing:
                await self._pause(bound_for)

    async def _one_link(self) -> float:
        """From connecting to its end: how many seconds it was bound."""
        async with self._auth.attempt:
            link = None if self._auth.stopped else await self._open()
        if link is None:
            return 0.0
        began = self._loop.time()
        await asyncio.wait([link.closed])
        self.link = None
        self.error, self.status = link.closed.result(), 0
        return self._loop.time() - began

    async def drain(self) -> None:
        """No new link from here on; wait for answers in flight, at most `drain` seconds."""
        self._closing = True
        if self.link is not None and not self.link.closed.done():
            self._set(BindState.DRAINING)
            await self._drained(self.link)

    async def stop(self) -> None:
        """Unbind and close, after `drain`."""
        link = self.link
        if link is not None and not link.closed.done():
            with contextlib.suppress(TimeoutError, LinkClosed):
                await link.request(Command.UNBIND, b"", self._timers.unbind)
            await self._close(link, "unbound")
        self._set(BindState.CLOSED)

    # LinkUser, besides `answered` and `delivered`

    def unanswered(self, sent: list[Sent]) -> None:
        self._pump.unanswered(sent, "timeout")

    def lost(self, link: Link, sent: list[Sent]) -> None:
        self.strays += link.strays
        if self.transmits:
            if self._pump.link is link:
                self._pump.link = None
            self._pump.unanswered(sent, "link_lost")
            self._pump.drop_queued(self.refusal())

    def turn(self, link: Link) -> None:
        if self._pump.link is link:
            self._pump.turn()

    def peer_unbinds(self, link: Link) -> None:
        self._log.warning("smpp_peer_unbinds")
        self._set(BindState.DRAINING)
        if self._pump.link is link:
            self._pump.link = None
            self._pump.drop_queued(self.refusal())
        self._draining = asyncio.create_task(self._drain_and_close(link), name="smpp drain")

    def refusal(self) -> Rejected:
        """What an envelope hears that cannot leave by this bind now."""
        if self._auth.stopped:
            return Rejected("auth", RejectClass.CONFIG, code(self.status))
        return Rejected("link_down", RejectClass.RETRY_LATER, after=max(limits.BACKOFF_MIN_SECONDS, self.retry_in()))

    # Opening and closing

    async def _open(self) -> Link | None:
        """A bound link, or None with `error` set."""
        self._set(BindState.CONNECTING)
        account, timers = self._account, self._timers
        try:
            async with asyncio.timeout(timers.connect):
                _, link = await self._loop.create_connection(
                    lambda: Link(self, timers), account.host, account.port, ssl=self._tls,
                    server_hostname=(account.tls_server_name or account.host) if self._tls else None,
                )  # fmt: skip
        except ssl.SSLError as wrong:
            self._failed("tls", detail=wrong.reason)
            return None
        except (OSError, TimeoutError) as wrong:
            self._failed("unreachable", detail=type(wrong).__name__)
            return None
        bound = False
        try:
            bound = await self._bind(link)
        finally:
            if not bound:
                await self._close(link, "bind_failed")
        return link if bound else None

    async def _bind(self, link: Link) -> bool:
        self._set(BindState.BINDING)
        account = self._account
        fields = BindFields(
            account.system_id, account.password.get_secret_value(), account.system_type,
            address_range=account.address_range,
        )  # fmt: skip
        try:
            command, status, _, _ = await link.request(_COMMANDS[self.role], bind_body(fields), self._timers.bind)
        except TimeoutError:
            self._failed("timeout")
            return False
        except LinkClosed:
            self._failed("refused", detail="closed")
            return False
        if status != Status.ROK or command == Command.GENERIC_NACK:
            self._refused(status)
            return False
        if link.closed.done():
            self._failed(link.closed.result())
            return False
        self._bound(link)
        return True

    def _bound(self, link: Link) -> None:
        self.link, self.error, self.status = link, "", 0
        self._auth.refusals = 0
        self.proven_at = self._now()
        self._set(BindState.BOUND)
        self._log.info("smpp_bound")
        if self.transmits:
            self._pump.link = link
            self._pump.turn()

    def _refused(self, status: int) -> None:
        if status in AUTH:
            self._auth.refusals += 1
            self._failed("auth", status)
            if self._auth.stopped:
                self._log.error("smpp_auth_stopped", tries=self._auth.refusals, status=code(status))
        else:
            self._failed("already_bound" if status == Status.RALYBND else "refused", status)

    def _failed(self, error: str, status: int = 0, detail: str = "") -> None:
        self.error, self.status = error, status
        self._log.warning("smpp_bind_failed", error=error, status=code(status), detail=detail)
        if self.transmits:
            self._pump.drop_queued(self.refusal())

    async def _pause(self, bound_for: float) -> None:
        """Back-off: 1 → 60 s, from the start again only after a stable bind."""
        timers = self._timers
        if bound_for >= timers.stable:
            self._failures = 0
        delay = min(timers.backoff_max, timers.backoff_min * 2 ** min(self._failures, 16))
        delay = min(timers.backoff_max, delay * random.uniform(*_JITTER))
        if self.status == Status.RALYBND:
            delay = max(delay, timers.already_bound)
        self._failures += 1
        self._retry_at = self._loop.time() + delay
        self._set(BindState.CLOSED)
        await asyncio.sleep(delay)
        self._retry_at = 0.0

    async def _drain_and_close(self, link: Link) -> None:
        await self._drained(link)
        link.close("peer_unbind")

    async def _drained(self, link: Link) -> None:
        deadline = self._loop.time() + min(self._timers.drain, self._timers.response)
        while link.pending and not link.closed.done() and self._loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)

    async def _close(self, link: Link, why: str) -> None:
        link.close(why)
        await asyncio.wait([link.closed])

    def _set(self, state: BindState) -> None:
        self.state = state


def tls_context(account: SmppAccount) -> ssl.SSLContext | None:
    """The account's TLS, None without. Raises OSError when a certificate file cannot be read."""
    if not account.tls:
        return None
    context = ssl.create_default_context(cafile=account.tls_ca or None)
    if account.tls_cert:
        context.load_cert_chain(account.tls_cert)
    return context
