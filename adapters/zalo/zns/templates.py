"""Which approved template a message fills, and with what. Pure. Source: Zalo ZNS docs, "Gửi tin" and "Tham số"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.contract import About, Envelope
from adapters.zalo import wording
from adapters.zalo.settings import ZnsSettings, ZnsTemplate

ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Filled:
    template: ZnsTemplate
    data: dict[str, str]


@dataclass(frozen=True, slots=True)
class Unfit:
    """The template cannot carry this message; `param` says where."""

    reason: str
    param: str


def all_templates(settings: ZnsSettings) -> tuple[ZnsTemplate, ...]:
    """The listed ones, then the one of `template_id`, which serves what no other does."""
    if not settings.template_id:
        return settings.templates
    last = ZnsTemplate(
        id=settings.template_id,
        params={settings.text_param: "{text}", **settings.fixed_params},
        limits={settings.text_param: settings.text_param_limit},
    )
    return (*settings.templates, last)


def choose(templates: Sequence[ZnsTemplate], about: About) -> ZnsTemplate | None:
    """The first whose kinds and urgencies hold the message's; an empty row holds all."""
    for one in templates:
        if (not one.kinds or about.kind in one.kinds) and (not one.urgencies or about.urgency in one.urgencies):
            return one
    return None


def fill(template: ZnsTemplate, envelope: Envelope) -> Filled | Unfit:
    """Every parameter with its value. A text is never cut, since half an instruction is none; a title is."""
    text = wording.prepare(envelope.text)
    known = {"text": text, "code": envelope.about.code, "title": wording.prepare(envelope.about.title)}
    data = {}
    for name, pattern in template.params.items():
        value, most = pattern.format_map(known).strip(), template.limits.get(name)
        if not value:
            return Unfit("template_data", name)
        if most is not None and wording.length(value) > most:
            over = wording.length(value) - most
            if "{title}" not in pattern or "{text}" in pattern or len(known["title"]) <= over + len(ELLIPSIS):
                return Unfit("too_long", name)
            cut = known | {"title": known["title"][: -over - len(ELLIPSIS)].rstrip() + ELLIPSIS}
            value = pattern.format_map(cut).strip()
        data[name] = value
    return Filled(template, data)
