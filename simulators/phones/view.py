"""What the wall shows: three phones, their threads and lines. No HTML and no network here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from simulators.apps import App, GroupChat
from simulators.people import Person
from simulators.phones.wording import Wording
from simulators.stage import Shown
from text.numbers import msisdn
from text.segments import measure

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
HISTORY: Final = 60
"""Lines of a thread on a page that was just opened."""
KINDS: Final = ("zalo", "telegram", "sms")
"""Order of the apps on a phone."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything that the wall may show. `units` gives a unit's name by code."""

    apps: tuple[App, ...]
    people: tuple[Person, ...] = ()
    groups: tuple[GroupChat, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)

    def of_kind(self, kind: str) -> list[App]:
        return [app for app in self.apps if app.kind == kind]

    def app(self, name: str) -> App | None:
        return next((app for app in self.apps if app.name == name), None)

    def person(self, key: str) -> Person | None:
        return next((person for person in self.people if person.key == key), None)

    def unit(self, code: str) -> str:
        return self.units.get(code, code)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whose phones are on the wall. `resident` is `84…` digits; `wrong_number` what was typed and is none."""

    member: Person | None
    leader: Person | None
    resident: str
    wrong_number: str = ""


@dataclass(frozen=True, slots=True)
class Thread:
    """One conversation on a phone. `me` types in it; `chat` names the group, None: the service itself. `label` is the
    key of the app's name; a ZNS comes under the phone number and shows among the Zalo messages, so `addresses`."""

    id: str
    kind: str
    label: str
    addresses: tuple[str, ...]
    title: str
    note: str
    me: str
    chat: str | None = None
    mention: str = ""
    acts: tuple[str, ...] = ()
    """What one can do there beside writing."""


@dataclass(frozen=True, slots=True)
class Line:
    """One bubble. `id` is `<simulator>-<n>`; `name` says who wrote in a group; `parts` only for SMS."""

    id: str
    mine: bool
    name: str
    text: str
    clock: str
    buttons: tuple[str, ...]
    pressed: bool
    parts: str
    files: tuple[tuple[str, str], ...] = ()
    """(name, address) of what can be opened."""


@dataclass(frozen=True, slots=True)
class Phone:
    id: str
    threads: tuple[Thread, ...]


def choose(world: World, query: Mapping[str, str], default_resident: str) -> Chosen:
    """From the page's query; who or what is not there gives way to the first one that is."""
    chairmen = [person for person in world.people if person.role == "chairman"] or list(world.people)
    first = chairmen[0] if chairmen else None
    asked = query.get("resident", "").strip()
    number = msisdn(asked) if asked else None
    return Chosen(
        member=world.person(query.get("member", "")) or first,
        leader=world.person(query.get("leader", "")) or first,
        resident=str(number or msisdn(default_resident) or ""),
        wrong_number=asked if asked and number is None else "",
    )


def phones(world: World, chosen: Chosen, say: Wording) -> tuple[Phone, ...]:
    """The three phones, left to right."""
    return (
        Phone("group", tuple(_group_threads(world, chosen, say))),
        Phone("leader", tuple(_leader_threads(world, chosen, say))),
        Phone("resident", tuple(_resident_threads(world, chosen, say))),
    )


def routes(shown: Iterable[Phone]) -> dict[tuple[str, str], list[Thread]]:
    """Which threads show what stands under (kind of app, address)."""
    found: dict[tuple[str, str], list[Thread]] = {}
    for phone in shown:
        for thread in phone.threads:
            for address in thread.addresses:
                found.setdefault((thread.kind, address), []).append(thread)
    return found


def history(world: World, thread: Thread, say: Wording) -> list[Line]:
    """The last lines of a thread, oldest first."""
    found = [
        (shown.at, shown.n, app, shown)
        for app in world.of_kind(thread.kind)
        for shown in app.stage.lines
        if shown.address in thread.addresses
    ]
    found.sort(key=lambda each: each[:2])
    return [line(world, app, shown, thread, say) for _, _, app, shown in found[-HISTORY:]]


def line(world: World, app: App, shown: Shown, thread: Thread, say: Wording) -> Line:
    mine = shown.sender == thread.me
    name = "" if mine or thread.chat is None else _name(world, app.kind, shown.sender, say)
    return Line(
        id=f"{app.name}-{shown.n}",
        mine=mine,
        name=name,
        text=shown.text,
        clock=datetime.fromtimestamp(shown.at, ZONE).strftime("%H:%M"),
        buttons=tuple(button["label"] for button in shown.buttons),
        pressed=thread.me in shown.pressed_by,
        parts=_parts(shown.text, say) if thread.kind == "sms" else "",
        files=tuple((file["name"], file.get("url") or f"/file/{app.name}/{file['id']}") for file in shown.files),
    )


def describe(world: World, person: Person, say: Wording) -> str:
    """ "Xã Hậu Lộc – Chủ tịch – Lê Văn A"."""
    role = say(f"roles.{person.role}") if f"roles.{person.role}" in say.words else person.role
    place = world.unit(person.unit) if person.unit else role
    return f"{place} – {role} – {person.name}" if person.unit else f"{place}: {person.name}"


def _group_threads(world: World, chosen: Chosen, say: Wording) -> Iterator[Thread]:
    for at, group in enumerate(world.groups):
        apps = world.of_kind(group.kind)
        if apps:
            me = apps[0].address(chosen.member) if chosen.member else ""
            note = say("threads.members", count=group.members)
            yield Thread(
                f"group{at}", group.kind, group.label, (group.address,), group.title, note, me, group.address,
                group.mention, ("join", "leave"),
            )  # fmt: skip


def _leader_threads(world: World, chosen: Chosen, say: Wording) -> Iterator[Thread]:
    notes = {"zalo": say("threads.official"), "telegram": say("threads.bot"), "sms": ""}
    for kind in KINDS:
        apps = world.of_kind(kind)
        if apps:
            me = apps[0].address(chosen.leader) if chosen.leader else ""
            title = say("threads.service_sms" if kind == "sms" else "threads.service")
            addresses = {me, chosen.leader.phone} if kind == "zalo" and chosen.leader else {me}
            acts = () if kind == "sms" else ("follow", "unfollow")
            yield Thread(
                f"leader-{kind}", kind, kind, tuple(sorted(addresses - {""})), title, notes[kind], me, acts=acts
            )


def _resident_threads(world: World, chosen: Chosen, say: Wording) -> Iterator[Thread]:
    if world.of_kind("sms"):
        me = chosen.resident
        yield Thread("resident-sms", "sms", "sms", (me,), say("threads.service_sms"), "", me)


def _name(world: World, kind: str, sender: str, say: Wording) -> str:
    if sender == "loa":
        return str(say("threads.service"))
    apps = world.of_kind(kind)
    found = next((person for person in world.people if apps and apps[0].address(person) == sender), None)
    return f"{found.name} · {world.unit(found.unit)}" if found else sender


def _parts(text: str, say: Wording) -> str:
    measured = measure(text)
    return str(say("threads.parts", encoding=measured.encoding, parts=len(measured.parts)))


def sms_app(apps: Sequence[App], address: str) -> App | None:
    """The simulator that a person's SMS goes to: the one that this phone heard from last, else the first."""
    heard = [(last, app) for app in apps if (last := _last_at(app, address)) is not None]
    if heard:
        return max(heard, key=lambda each: each[0])[1]
    return apps[0] if apps else None


def _last_at(app: App, address: str) -> float | None:
    return next((shown.at for shown in reversed(app.stage.lines) if shown.address == address), None)
