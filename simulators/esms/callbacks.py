"""What the simulated eSMS calls: delivery reports, and people's messages to the short code."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import datetime
from xml.etree import ElementTree

from simulators.calling import Call, Calling
from simulators.esms.book import PENDING, PRICE_VND, Book, Message, local
from text.dates import OFFICE_ZONE

TRIES = 5
"""eSMS docs, "Callback Url": again after a timeout, five times at most."""
PAUSE_SECONDS = 0.05
SHORT_CODE = "8079"
CPID = "loa"
PRIVATE_KEY = "loa-simulator-private-key"
"""Invented."""


class Callbacks:
    """`mo_url` is where people's messages go, "" for nowhere."""

    def __init__(self, book: Book) -> None:
        self.mo_url = ""
        self.calling = Calling()
        self._book = book
        self._said = 0

    async def announce(self, message: Message) -> None:
        """Report what became of a message, when it is time."""
        faults = self._book.faults
        if not message.callback_url or not faults.callbacks:
            return
        if faults.callback_first:
            await self._report(message)
        else:
            self.calling.later(self._report(message))

    async def _report(self, message: Message) -> None:
        faults = self._book.faults
        await asyncio.sleep(faults.callback_seconds)
        if faults.callback_pending:
            await self.calling.make(self._call(message, (PENDING, 0, 0)))
        await asyncio.sleep(faults.report_seconds)
        call = self._call(message, self._book.state_of(message))
        for _ in range(1 + faults.callback_twice):
            if faults.callback_reorder:
                await self.calling.out_of_order(call)
            else:
                await self.calling.make(call)

    def _call(self, message: Message, state: tuple[int, int, int]) -> Call:
        status, success, failed = state
        params = {
            "SMSID": message.smsid, "SendFailed": str(failed), "SendStatus": str(status), "SendSuccess": str(success),
            "TotalPrice": f"{PRICE_VND * message.parts:.4f}", "TotalReceiver": "1", "TotalSent": str(message.parts),
            "RequestId": message.request_id, "TypeId": "2", "telcoid": self._book.telcoid(message),
            "phonenumber": local(message.number), "switchsmsid": "",
        }  # fmt: skip
        return Call("GET", message.callback_url, params, tries=TRIES, pause=PAUSE_SECONDS, only_timeouts=True)

    async def message(self, sender: str, text: str) -> None:
        """A person wrote to the short code."""
        faults = self._book.faults
        self._said += 1
        query = {
            "sender": sender, "content": text, "serviceNumber": SHORT_CODE, "keyword": text.split()[0] if text else "",
            "cpid": CPID, "smsid": f"mo{self._said:08d}",
            "receiverTime": datetime.fromtimestamp(self._book.now(), OFFICE_ZONE).strftime("%Y%m%d%H%M%S"),
        }  # fmt: skip
        signed = query["cpid"] + query["smsid"] + query["content"] + query["receiverTime"] + PRIVATE_KEY
        digest = hashlib.md5(signed.encode("utf-8"), usedforsecurity=False)
        as_base64 = base64.b64encode(digest.digest()).decode()
        signs = {"hex": digest.hexdigest(), "base64": as_base64, "wrong": digest.hexdigest()[::-1]}
        if faults.mo_sign in signs:
            query["sign"] = signs[faults.mo_sign]
        call = Call("GET", self.mo_url, query, tries=faults.mo_tries, pause=PAUSE_SECONDS)
        for _ in range(1 + faults.mo_twice):
            heard = await self.calling.make(call)
            if heard.ok:
                self._answered(sender, query["smsid"], heard.body)

    def _answered(self, sender: str, smsid: str, body: str) -> None:
        """The answer in the same response, as eSMS reads it."""
        counters = self._book.stage.counters
        try:
            answer = ElementTree.fromstring(body)
        except ElementTree.ParseError:
            counters["mo_bad_xml"] += 1
            return
        fields = {child.tag: child.text or "" for child in answer}
        if answer.tag != "ClientResponse" or (fields.get("Smsid"), fields.get("Receiver")) != (smsid, sender):
            counters["mo_bad_xml"] += 1
            return
        counters["mo_answered"] += 1
        if fields.get("Message"):
            self._book.stage.show(sender, "loa", fields["Message"])
