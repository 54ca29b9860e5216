"""The leaders at their phones: each reads what arrives and confirms in his own manner and time (simulators/people.py).

The crowd sees only what phones show and does only what people can do: it listens to the stages and types or presses
there. It answers each alert once, whatever the number of channels that it came by, and never answers an answer; what
people did in an earlier life of the simulators their phones still show.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog

from simulators.apps import App, GroupChat
from simulators.people import Habit, Manner, Person
from simulators.stage import Shown, press_button
from text.folding import unaccent

log = structlog.get_logger(__name__)

REPLY_SECONDS = 20.0
"""A message that comes so soon after a person wrote, at speed 1 and never below `REPLY_LEAST`, answers that person."""
REPLY_LEAST = 5.0
CONFIRM = re.compile(r"\bDANHAN\s+([A-Z0-9][A-Z0-9-]{3,31})")
"""The words by which an alert asks for a confirmation, with its code."""
GROUP_ROLES = frozenset({"chairman"})
"""Who speaks up in a group: one voice a unit."""
CODELESS_MOST = 3
"""Times that one person answers an SMS that asks for nothing by code: no endless talk between two machines."""


@dataclass(slots=True)
class _Memory:
    """What one person did. `code` is the last one confirmed, `wrote_at` in epoch seconds, as phones show it."""

    answered: set[str] = field(default_factory=set)
    picked: set[str] = field(default_factory=set)
    code: str = ""
    codeless: int = 0
    wrote_at: float = float("-inf")


class Crowd:
    """`speed` divides every wait. `start` before the first message, `close` at the end."""

    def __init__(
        self,
        apps: Iterable[App],
        people: Iterable[Person],
        habits: Mapping[str, Habit],
        speed: float = 1.0,
        groups: Iterable[GroupChat] = (),
    ) -> None:
        self._apps = tuple(apps)
        self._habits = habits
        self._speed = speed
        self._mentions = {group.address: group.mention for group in groups}
        self._people: dict[tuple[str, str], Person] = {}
        self._members: dict[str, list[Person]] = {}
        for person in people:
            for kind, address in (("zalo", person.zalo), ("telegram", person.telegram), ("sms", person.phone)):
                if address:
                    self._people[kind, address] = person
                    if kind == "zalo" and person.phone:
                        self._people[kind, person.phone] = person  # a ZNS comes under the phone number
                    if person.role in GROUP_ROLES:
                        self._members.setdefault(kind, []).append(person)
        self._memory: dict[str, _Memory] = {}
        self._remember()
        self._stops = [app.stage.listen(partial(self._heard, app)) for app in self._apps]
        self._acts: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for stop in self._stops:
            stop()
        self._stops.clear()
        for act in self._acts:
            act.cancel()
        await asyncio.gather(*self._acts, return_exceptions=True)

    def _remember(self) -> None:
        """By what the phones show: who wrote after an alert answered it, and who pressed its button."""
        asked: dict[str, str] = {}
        lines = ((app, line) for app in self._apps for line in app.stage.lines)
        for app, line in sorted(lines, key=lambda one: one[1].at):
            code = asked_code(line) if line.sender == "loa" else ""
            for reader in self._readers(app, line) if code else ():
                asked[reader.key] = code
            for who in (line.sender, *line.pressed_by):
                if (person := self._people.get((app.kind, who))) is None:
                    continue
                memory = self._memory.setdefault(person.key, _Memory())
                memory.wrote_at = line.at
                if known := code or asked.get(person.key, ""):
                    memory.code = known
                    memory.answered.add(known)

    def _heard(self, app: App, line: Shown) -> None:
        if line.sender == "loa":
            for reader in self._readers(app, line):
                self._read(app, line, reader)

    def _readers(self, app: App, line: Shown) -> Sequence[Person]:
        if line.group:
            return self._members.get(app.kind, ())
        person = self._people.get((app.kind, line.address))
        return () if person is None else (person,)

    def _read(self, app: App, line: Shown, person: Person) -> None:
        """Decide whether, and how, this person answers this line."""
        habit = self._habits.get(person.key)
        if habit is None or habit.manner in (Manner.SILENT, Manner.OFF):
            return
        if habit.manner is Manner.SMS and app.kind != "sms":
            return
        memory = self._memory.setdefault(person.key, _Memory())
        code = asked_code(line)
        if code and code not in memory.answered:
            memory.answered.add(code)
            self._spawn(self._confirm(app, line, person, habit, code))
        elif not code:
            self._without_code(app, line, person, habit, memory)

    def _without_code(self, app: App, line: Shown, person: Person, habit: Habit, memory: _Memory) -> None:
        """An answer to what the person wrote, which may offer a choice; else an SMS out of the blue."""
        silence = line.at - memory.wrote_at
        if silence < max(REPLY_LEAST, REPLY_SECONDS / self._speed):
            pick = offered(line.text, memory.code)
            if pick and memory.code not in memory.picked:
                memory.picked.add(memory.code)
                self._spawn(self._say(app, person, None, pick))
        elif app.kind == "sms" and memory.codeless < CODELESS_MOST:
            memory.codeless += 1
            self._spawn(self._confirm(app, line, person, habit, ""))

    async def _confirm(self, app: App, line: Shown, person: Person, habit: Habit, code: str) -> None:
        await asyncio.sleep(habit.delay / self._speed)
        memory = self._memory[person.key]
        memory.code, memory.wrote_at = code, time.time()
        if line.buttons and habit.manner is Manner.BUTTON and not line.group:
            payload = line.buttons[0]["payload"]
            await self._try(app, person, press_button(app.stage, app.provider, app.address(person), line, payload))
            return
        words = (habit.sms_words if app.kind == "sms" else habit.words).replace("{code}", code).strip()
        if line.group:
            await self._say(app, person, line.address, f"{self._mentions.get(line.address, '')} {words}".strip())
        else:
            await self._say(app, person, None, words)

    async def _say(self, app: App, person: Person, chat: str | None, words: str) -> None:
        await self._try(app, person, app.provider.person_says(app.address(person), chat, words))

    async def _try(self, app: App, person: Person, act: Awaitable[None]) -> None:
        try:
            await act
        except Exception as broken:  # a simulator under an outage fault refuses people, too
            log.warning("people.act_failed", app=app.kind, person=person.key, why=repr(broken))

    def _spawn(self, act: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(act, name="people")
        self._acts.add(task)
        task.add_done_callback(self._acts.discard)


def asked_code(line: Shown) -> str:
    """The code that an alert asks to confirm, in its text or in its button; "" for any other message."""
    for source in (line.text, *(f"DANHAN {button['payload'].rpartition(' ')[2]}" for button in line.buttons)):
        found = CONFIRM.search(unaccent(source).upper())
        if found:
            return found.group(1)
    return ""


def offered(text: str, code: str) -> str:
    """The number before `code` in "1. TB0825-06 2. TB0825-07"; "" where it is not offered."""
    parts = re.split(r"(?:^|\s)(\d)\. ", text)
    return next((n for n, choice in zip(parts[1::2], parts[2::2], strict=True) if code and code in choice), "")
