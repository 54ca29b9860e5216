"""All simulators together in one process: the providers, the people on their phones, and the wall that shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from simulators import esms, mailbox, phones, smsc, speedsms, telegram, zalo
from simulators.apps import App, GroupChat
from simulators.crowd import Crowd
from simulators.journal import Journal
from simulators.people import Habit, Manner, Person, newcomers, plan, read_words
from simulators.phones import PhoneWall
from simulators.phones.wording import wording

TELEGRAM_GROUP = "-4001660001"
"""The duty group on Telegram, there from the start. Invented."""


@dataclass(frozen=True, slots=True)
class Ports:
    """0: any free one."""

    zalo: int = 0
    telegram: int = 0
    smsc: int = 0
    smsc_control: int = 0
    phones: int = 0
    mail: int = 0
    esms: int = 0
    speedsms: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate. `replies` off: nobody answers by himself, phones that are off stay off. `units` gives names by
    code, for the wall."""

    people: Sequence[Person] = ()
    seed: int = 1
    speed: float = 1.0
    replies: bool = True
    host: str = "127.0.0.1"
    ports: Ports = Ports()
    units: Mapping[str, str] = field(default_factory=dict)
    journals: Path | None = None
    """A folder in which Zalo, Telegram and the SMSC keep what they know; None: nobody remembers an earlier life."""


@dataclass(slots=True)
class Town:
    """`found()` makes one. `habits` by `Person.key` says what each person will do."""

    zalo: zalo.ZaloSim
    telegram: telegram.TelegramSim
    smsc: smsc.SmscSim
    esms: esms.EsmsSim
    speedsms: speedsms.SpeedSmsSim
    mailbox: mailbox.MailboxSim
    wall: PhoneWall
    habits: dict[str, Habit]
    _open: AsyncExitStack

    def ready(self) -> dict[str, str | bool]:
        """The addresses, as the ready line gives them. Those of eSMS and SpeedSMS are roots: an account's `base_url`
        has the provider's own folder behind it."""
        return {
            "ready": True,
            "zalo": self.zalo.url,
            "telegram": self.telegram.url,
            "smsc": f"{self.smsc.host}:{self.smsc.port}",
            "smsc_control": self.smsc.url,
            "esms": self.esms.url,
            "speedsms": self.speedsms.url,
            "mail": f"{self.mailbox.host}:{self.mailbox.port}",
            "mail_page": self.mailbox.url,
            "phones": self.wall.url,
        }

    async def close(self) -> None:
        await self._open.aclose()


async def found(wanted: Plan) -> Town:
    """Start everything. Raises OSError when a port is taken; then nothing is left running."""
    async with AsyncExitStack() as stack:
        host, ports = wanted.host, wanted.ports
        habits = plan(wanted.people, read_words(), wanted.seed)
        zalo_sim, telegram_sim, carrier = _peopled(wanted, habits)
        for made in (zalo_sim, telegram_sim, carrier):
            stack.push_async_callback(made.close)
        esms_sim = await esms.start(host=host, port=ports.esms, seed=wanted.seed)
        stack.push_async_callback(esms_sim.close)
        speedsms_sim = await speedsms.start(host=host, port=ports.speedsms)
        stack.push_async_callback(speedsms_sim.close)
        letters = await mailbox.start(host=host, port=ports.mail)
        stack.push_async_callback(letters.close)
        dead = _dead(wanted.people, habits)
        for sms in (esms_sim, speedsms_sim):
            sms.set_faults({"off_numbers": dead})
        apps = (
            App("zalo", "zalo", zalo_sim.stage, zalo_sim),
            App("telegram", "telegram", telegram_sim.stage, telegram_sim),
            App("smsc", "sms", carrier.stage, carrier, carrier.watch),
            App("esms", "sms", esms_sim.stage, esms_sim),
            App("speedsms", "sms", speedsms_sim.stage, speedsms_sim),
        )
        groups = _groups(zalo_sim, telegram_sim)
        if wanted.replies:
            crowd = Crowd(apps, wanted.people, habits, wanted.speed, groups)
            stack.push_async_callback(crowd.close)
        zalo_sim.resume()
        await zalo_sim.listen(host, ports.zalo)
        await telegram_sim.listen(host, ports.telegram)
        await carrier.open(host, ports.smsc, ports.smsc_control)
        world = phones.World(apps, (*wanted.people, *newcomers()), groups, wanted.units)
        wall = await phones.start(world, host, ports.phones)
        stack.push_async_callback(wall.close)
        return Town(zalo_sim, telegram_sim, carrier, esms_sim, speedsms_sim, letters, wall, habits, stack.pop_all())


def _peopled(wanted: Plan, habits: Mapping[str, Habit]) -> tuple[zalo.ZaloSim, telegram.TelegramSim, smsc.SmscSim]:
    """Those that listen only once their people are there: who calls an anew started one finds nobody missing."""
    kept = {
        name: Journal(wanted.journals and wanted.journals / f"{name}.jsonl") for name in ("zalo", "telegram", "smsc")
    }
    zalo_sim, telegram_sim = zalo.ZaloSim(journal=kept["zalo"]), telegram.TelegramSim(journal=kept["telegram"])
    carrier = smsc.made(seed=wanted.seed, journal=kept["smsc"])
    _settle(wanted.people, habits, zalo_sim, telegram_sim, carrier)
    _arrive(newcomers(), zalo_sim, telegram_sim, carrier)
    carrier.set_faults({"off_numbers": _dead(wanted.people, habits)})
    return zalo_sim, telegram_sim, carrier


def _settle(
    people: Sequence[Person],
    habits: Mapping[str, Habit],
    zalo_sim: zalo.ZaloSim,
    telegram_sim: telegram.TelegramSim,
    carrier: smsc.SmscSim,
) -> None:
    """Give the people their accounts and put them into the groups. Who is to answer only an SMS has no data
    connection: his Zalo gets nothing, as with a phone that is off."""
    for person in people:
        manner = habits[person.key].manner
        if person.zalo:
            off = manner in (Manner.OFF, Manner.SMS)
            zalo_sim.add_user(person.zalo, person.name, phone=person.phone, off=off)
        if person.telegram:
            telegram_sim.add_person(person.telegram, person.name)
    accounts = [person.zalo for person in people if person.zalo]
    for group_id in (zalo.GROUP_ID, zalo.BOT_GROUP_ID):
        zalo_sim.world.groups[group_id].members = list(accounts)
    members = {int(person.telegram) for person in people if person.telegram}
    telegram_sim.add_group(TELEGRAM_GROUP, wording("vi")("phones.group"), members)
    carrier.watch(*(person.phone for person in people if person.phone))


def _arrive(
    people: Sequence[Person], zalo_sim: zalo.ZaloSim, telegram_sim: telegram.TelegramSim, carrier: smsc.SmscSim
) -> None:
    """Telephones that nobody enrolled: they follow nothing, started no bot and are in no group."""
    for person in people:
        zalo_sim.add_user(person.zalo, person.name, phone=person.phone, follows=False)
        telegram_sim.add_person(person.telegram, person.name, started=False)
    carrier.watch(*(person.phone for person in people))


def _dead(people: Sequence[Person], habits: Mapping[str, Habit]) -> list[str]:
    """Numbers of phones that are off, whoever sends to them."""
    return sorted(person.phone for person in people if person.phone and habits[person.key].manner is Manner.OFF)


def _groups(zalo_sim: zalo.ZaloSim, telegram_sim: telegram.TelegramSim) -> tuple[GroupChat, ...]:
    own, ordinary = (zalo_sim.world.groups[group_id] for group_id in (zalo.GROUP_ID, zalo.BOT_GROUP_ID))
    chat = telegram_sim.world.groups[int(TELEGRAM_GROUP)]
    return (
        GroupChat("zalo", own.group_id, own.name, len(own.members), "zalo_oa"),
        GroupChat("zalo", ordinary.group_id, ordinary.name, len(ordinary.members), "zalo_bot", f"@{zalo.BOT_NAME}"),
        GroupChat("telegram", TELEGRAM_GROUP, chat.title, len(chat.members), "telegram"),
    )
