"""What the crowd and the phone wall know of a simulator: its stage, its people's acts, and whose account is whose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulators.people import Person
from simulators.stage import Provider, Stage


@dataclass(frozen=True, slots=True)
class App:
    """`name` is the simulator (zalo, telegram, smsc, esms, speedsms); `kind` is the app on the phone that shows it:
    zalo, telegram or sms. Several simulators may deliver to one SMS app. `watch` says that somebody looks at an
    address: a carrier under load shows not every phone."""

    name: str
    kind: str
    stage: Stage
    provider: Provider
    watch: Callable[[str], None] | None = None

    def address(self, person: Person) -> str:
        """ "" when the person has no account there."""
        return {"zalo": person.zalo, "telegram": person.telegram}.get(self.kind, person.phone)


@dataclass(frozen=True, slots=True)
class GroupChat:
    """The duty group on one app. `label` is the key of its short name on the wall; `mention` is what people must
    write first so that the group's bot hears them ("" where it hears everything)."""

    kind: str
    address: str
    title: str
    members: int
    label: str
    mention: str = ""
