"""The simulated SpeedSMS.vn on one port: Basic auth, sends, status, the rate of 60 a minute, webhooks, people."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson
from aiohttp import web

from simulators import outages
from simulators.calling import Call, Calling
from simulators.knobs import turned
from simulators.serving import Served, serve
from simulators.speedsms.book import Book, Refused, Transaction
from simulators.stage import Shown, Stage, routes

FOLDER = "/index.php"
ACCESS_TOKEN = "loa-simulator-speedsms-token"
"""Invented."""
PAUSE_SECONDS = 0.05
Json = dict[str, Any]


class SpeedSmsSim:
    """`start()` makes one. It is the `Provider` of its stage. `hook_url`: where webhooks go, "" for nowhere."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.book = Book(self.stage)
        self.calling = Calling()
        self.hook_url = ""
        self._auth = f"Basic {base64.b64encode(f'{ACCESS_TOKEN}:x'.encode()).decode()}"
        self._served: Served | None = None

    @property
    def url(self) -> str:
        return self._served.url if self._served else ""

    @property
    def base_url(self) -> str:
        """What an account's `base_url` is to be."""
        return f"{self.url}{FOLDER}"

    @property
    def port(self) -> int:
        return self._served.port if self._served else 0

    async def listen(self, host: str, port: int) -> None:
        app = web.Application()
        app.add_routes(routes(self.stage, self))
        app.add_routes(
            [
                web.get(f"{FOLDER}/user/info", self._info),
                web.post(f"{FOLDER}/sms/send", self._send),
                web.get(f"{FOLDER}/sms/status/{{transaction}}", self._status),
                web.post("/_sim/hook_url", self._set_hook_url),
            ]
        )
        self._served = await serve(app, host, port)

    async def close(self) -> None:
        await self.calling.close()
        if self._served is not None:
            await self._served.close()

    async def person_says(self, sender: str, chat: str | None, text: str) -> None:
        """To the account's two-way number. Raises LookupError while no webhook is registered."""
        if not self.hook_url:
            raise LookupError("nobody takes messages to this number")
        self.stage.show(sender, sender, text)
        for _ in range(1 + self.book.faults.mo_twice):
            await self.calling.make(self._call({"type": "sms", "phone": sender, "content": text}))

    async def person_presses(self, sender: str, message: Shown, payload: str) -> None:
        raise LookupError("an SMS has no button")

    def faults(self) -> dict[str, Any]:
        return asdict(self.book.faults)

    def set_faults(self, knobs: Mapping[str, Any]) -> None:
        self.book.faults = turned(self.book.faults, dict(knobs))

    def _turn(self, knob: str, resets: str = "") -> bool:
        """Count a knob down. At 0 it is over, and so is the knob that it limits."""
        left = getattr(self.book.faults, knob)
        if not left:
            return False
        self.set_faults({knob: left - 1} | ({resets: ""} if resets and left == 1 else {}))
        return True

    async def _gate(self, request: web.Request, what: str) -> web.Response | None:
        """What comes before any look at a request."""
        faults = self.book.faults
        self.stage.counters[what] += 1
        if faults.slow_seconds:
            await asyncio.sleep(faults.slow_seconds)
        if faults.outage:
            return await outages.away(request, faults.outage)
        if request.headers.get("Authorization") != self._auth:
            return _json({"status": "error", "code": "009", "message": "API access denied"})
        if what == "send" and self._turn("throttle_next"):
            return self._too_many(faults.reset_seconds)
        wait = self.book.wait()
        return self._too_many(wait) if wait else None

    def _too_many(self, seconds: int) -> web.Response:
        self.stage.counters["throttled"] += 1
        body = {"name": "Too Many Requests", "message": "Rate limit exceeded.", "code": 0, "status": 429}
        answer = _json(body, 429)
        if self.book.faults.reset_header:
            answer.headers["X-Rate-Limit-Reset"] = str(seconds)
        return answer

    async def _info(self, request: web.Request) -> web.Response:
        stopped = await self._gate(request, "info")
        if stopped is not None:
            return stopped
        data = {"email": "pctt@example.vn", "balance": self.book.balance(), "currency": "VND"}
        return _success(data)

    async def _send(self, request: web.Request) -> web.Response:
        stopped = await self._gate(request, "send")
        if stopped is not None:
            return stopped
        try:
            body = orjson.loads(await request.read())
            taken = self.book.take(body if isinstance(body, dict) else {})
        except orjson.JSONDecodeError:
            return _json({"status": "error", "code": "101", "message": "Invalid or missing parameters"})
        except Refused as refused:
            self._turn("code_next", resets="code")
            answer: Json = {"status": "error", "code": refused.code, "message": refused.says}
            return _json(answer | ({"invalidPhone": refused.invalid} if refused.invalid else {}))
        if self.book.faults.report_first:
            await self._report(taken.transaction)
        else:
            self.calling.later(self._report(taken.transaction))
        if self._turn("drop_after_accept"):
            return outages.cut(request)
        if self._turn("hang_after_accept"):
            return await outages.away(request, "hang")
        if self._turn("garbage_after_accept"):
            return await outages.away(request, "html")
        data: Json = {"totalSMS": len(taken.transaction.statuses), "totalPrice": taken.price}
        data["invalidPhone"] = taken.invalid
        return _success(data if self.book.faults.no_tran_id else data | {"tranId": taken.transaction.number})

    async def _status(self, request: web.Request) -> web.Response:
        stopped = await self._gate(request, "status")
        if stopped is not None:
            return stopped
        asked = request.match_info["transaction"]
        found = self.book.transactions.get(int(asked)) if asked.isdecimal() else None
        if found is None:
            return _json({"status": "error", "code": "101", "message": "Invalid or missing parameters"})
        return _success([{"phone": number, "status": status} for number, status in found.statuses.items()])

    async def _report(self, transaction: Transaction) -> None:
        faults = self.book.faults
        if not self.hook_url or not faults.reports:
            return
        await asyncio.sleep(faults.report_seconds)
        for number, status in transaction.statuses.items():
            if faults.report_passing:
                await self.calling.make(self._report_call(transaction, number, faults.report_passing))
            call = self._report_call(transaction, number, status)
            for _ in range(1 + faults.report_twice):
                if faults.report_reorder:
                    self.calling.later(self.calling.out_of_order(call))
                else:
                    await self.calling.make(call)

    def _report_call(self, transaction: Transaction, number: str, status: int) -> Call:
        event = {"type": "report", "tranId": str(transaction.number), "phone": number, "status": status}
        return self._call(event)

    def _call(self, event: Json) -> Call:
        return Call("POST", self.hook_url, json=event, tries=self.book.faults.tries, pause=PAUSE_SECONDS)

    async def _set_hook_url(self, request: web.Request) -> web.Response:
        """`{"url"}`: where reports and people's messages go from now on."""
        self.hook_url = str((await request.json())["url"])
        return web.json_response({"ok": True})


def _success(data: Any) -> web.Response:
    return _json({"status": "success", "code": "00", "data": data})


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


async def start(*, host: str = "127.0.0.1", port: int = 0) -> SpeedSmsSim:
    """A running SpeedSMS; give an account `sim.base_url` and `ACCESS_TOKEN`. Raises OSError for a taken port."""
    sim = SpeedSmsSim()
    await sim.listen(host, port)
    return sim
