"""What a broadcast says, in each form it leaves in: pure, so that a preview, the approved text and the sent text agree.

Forms: `chat` (accented, for Zalo and Telegram), `sms` (residents), `sms_leader` (the same by SMS to a leader, with how
to confirm).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from unicodedata import category

from broadcasts import templates
from broadcasts.blanks import BlankType, find_links, fits, is_official
from broadcasts.document_facts import titled, with_document
from broadcasts.marks import load_marks
from broadcasts.model import Mode, Problem, Urgency
from broadcasts.templates import Template, TemplateSet, fill, needed
from text.folding import fold, nfc
from text.safe import Change, to_safe
from text.segments import Segments, measure

CHAT: Final = "chat"
SMS: Final = "sms"
SMS_LEADER: Final = "sms_leader"
FORMS: Final = frozenset({CHAT, SMS, SMS_LEADER})

CHAT_LIMIT: Final = 2_000
"""Characters; Zalo OA docs (cs message, `text` ≤ 2000) and Zalo Bot (sendMessage 1–2000), the least of the chats."""
SMS_PARTS_LIMIT: Final = 10
"""Parts above which an SMS is surely a mistake; an office sets its own limit below it."""
TITLE_LENGTH: Final = 120


@dataclass(frozen=True, slots=True)
class OfficeFacts:
    """The `[office]` settings that texts need. An empty one refuses the text that needs it."""

    sender: str = ""
    """Who speaks, short: it opens every SMS."""
    hotline: str = ""
    short_code: str = ""
    portal: str = ""

    def blanks(self) -> dict[str, str]:
        return {
            templates.SENDER: self.sender,
            templates.HOTLINE: self.hotline,
            templates.SHORT_CODE: self.short_code,
            templates.PORTAL: self.portal,
        }


CONFIG_KEYS: Final = {
    templates.SENDER: "office.sender",
    templates.HOTLINE: "office.hotline",
    templates.SHORT_CODE: "office.short_code",
    templates.PORTAL: "office.portal",
}
"""Which key of config.toml fills an automatic blank."""


@dataclass(frozen=True, slots=True)
class Source:
    """What the officer gave: either `text`, or `template` with its `blanks`."""

    text: str | None = None
    template: str | None = None
    blanks: Mapping[str, str] = field(default_factory=dict)
    title: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the rendering depends on besides the source."""

    office: OfficeFacts
    code: str
    mode: Mode = Mode.ACTUAL
    urgency: Urgency | None = None
    """None: the template's own."""
    accented: bool = False
    replaces: str = ""
    """The code of the broadcast that this one supersedes."""
    forms: frozenset[str] = FORMS
    """Forms that will be used; what only another form needs is not asked for."""
    sms_parts_limit: int = SMS_PARTS_LIMIT
    chat_limit: int = CHAT_LIMIT
    known_unit: Callable[[str], bool] = lambda _: True
    document_number: str = ""
    signer: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """The texts as they will leave, and everything that stands in their way. With problems the forms are a preview."""

    title: str
    forms: dict[str, str]
    problems: tuple[Problem, ...]
    changes: tuple[Change, ...] = ()
    """Signs that the SMS forms had to replace, for the approver."""
    ignored: tuple[str, ...] = ()
    """Blanks that were typed although the system fills them itself."""

    def segments(self, form: str) -> Segments:
        return measure(self.forms[form])


def render(source: Source, setting: Setting, catalogue: TemplateSet) -> Content:
    """Render `source`. Never raises for what an officer typed: see `Content.problems`."""
    if source.text is not None and source.template is not None:
        return Content(source.title, {}, (Problem("text", "text_and_template"),))
    if source.template is None:
        return _free_text(source, setting)
    template = catalogue.find(source.template)
    if template is None:
        known = ", ".join(one.key for one in catalogue.all)
        return Content(
            source.title, {}, (Problem("template", "template_unknown", {"name": source.template, "known": known}),)
        )
    return _from_template(template, source, setting)


def _free_text(source: Source, setting: Setting) -> Content:
    text = _clean(source.text or "")
    title = _clean(source.title) or text.split("\n", 1)[0]
    if not text:
        return Content(title, {}, (Problem("text", "text_missing"),))
    bare = {CHAT: text, SMS: text, SMS_LEADER: text}
    forms, changes = _finish(bare, setting)
    if SMS_LEADER in forms:
        forms[SMS_LEADER] = _with_reply(forms[SMS_LEADER], setting)
    problems = (*too_long(forms, setting, "text"), *_false_marks(bare.values(), setting, "text"))
    return Content(_titled(title, setting), forms, problems, changes)


def _from_template(template: Template, source: Source, setting: Setting) -> Content:
    given = {name: _clean(value) for name, value in source.blanks.items()}
    values = _values(template, given, setting)
    problems = [*_blank_problems(template, given, values, setting), *_config_problems(template, values, setting)]
    own_mark = template.mode is not Mode.ACTUAL
    if own_mark and setting.mode is Mode.ACTUAL:
        problems.append(Problem("mode", "template_not_actual", {"name": template.key, "mode": template.mode.value}))
    bare = {form: fill(text, values) for form, text in template.forms.items()}
    forms, changes = _finish(bare, setting)
    if SMS in forms:
        problems += [
            Problem("template", "link_not_official", {"link": link})
            for link in find_links(forms[SMS])
            if not is_official(link, load_marks().official_domains)
        ]
    problems += too_long(forms, setting, "template")
    problems += [] if own_mark else _false_marks(bare.values(), setting, "blanks")
    ignored = tuple(name for name in given if name in templates.SYSTEM_BLANKS and given[name] != values[name])
    title = _clean(source.title) or fill(template.subject, values)
    return Content(_titled(title, setting), forms, tuple(problems), changes, ignored)


def _values(template: Template, given: Mapping[str, str], setting: Setting) -> dict[str, str]:
    """Every blank's value: typed, else the office's, else derived; the system's own win over typed ones."""
    values = {name: value for name, value in setting.office.blanks().items()}
    values |= {name: "" for name in template.blanks}
    values |= {name: value for name, value in given.items() if value}
    for name, blank in template.blanks.items():
        if not values[name] and blank.derived_from:
            values[name] = blank.derived.get(values[blank.derived_from], "")
    urgency = setting.urgency or template.urgency
    values[templates.CODE] = setting.code
    values[templates.URGENCY_MARK] = load_marks().urgency[urgency.value]
    values[templates.REPLACES] = setting.replaces or given.get(templates.REPLACES, "")
    return values


def _blank_problems(
    template: Template, given: Mapping[str, str], values: Mapping[str, str], setting: Setting
) -> list[Problem]:
    problems: list[Problem] = []
    automatic = templates.SYSTEM_BLANKS | templates.OFFICE_BLANKS
    for name in given:
        if name not in template.blanks and name not in automatic:
            known = ", ".join(template.blanks)
            problems.append(Problem(f"blanks.{name}", "blank_unknown", {"name": name, "known": known}))
    wanted = {name for form in setting.forms for name in needed(template.forms[form])} | set(needed(template.subject))
    for name, blank in template.blanks.items():
        value, where = values[name], f"blanks.{name}"
        facts: dict[str, Any] = {"name": name, "label": blank.label, "example": blank.example}
        if not value:
            if blank.required and name in wanted:
                problems.append(Problem(where, "blank_missing", facts))
        elif len(value) > blank.max_length:
            problems.append(Problem(where, "blank_too_long", facts | {"limit": blank.max_length}))
        elif blank.type is not BlankType.LINK and (links := find_links(value)):
            problems.append(Problem(where, "blank_has_link", facts | {"link": links[0]}))
        elif "\n" in value or not _fits(blank.type, value, setting):
            problems.append(Problem(where, "blank_wrong_type", facts | {"type": blank.type.value, "value": value}))
    return problems


def _fits(kind: BlankType, value: str, setting: Setting) -> bool:
    real = setting.mode is Mode.ACTUAL
    return fits(kind, value, real=real, domains=load_marks().official_domains, known_unit=setting.known_unit)


def _config_problems(template: Template, values: Mapping[str, str], setting: Setting) -> list[Problem]:
    wanted = dict.fromkeys(name for form in sorted(setting.forms) for name in needed(template.forms[form]))
    return [
        Problem("template", "config_empty", {"key": CONFIG_KEYS[name]})
        for name in wanted
        if name in CONFIG_KEYS and not values[name]
    ]


def _finish(bare: Mapping[str, str], setting: Setting) -> tuple[dict[str, str], tuple[Change, ...]]:
    """Mark what is not real, then bring the SMS forms into their alphabet. Also what had to be replaced for that."""
    forms: dict[str, str] = {}
    changes: dict[Change, None] = {}
    for form, text in bare.items():
        if form not in setting.forms:
            continue
        whole = with_document(text.strip(), setting.document_number, setting.signer) if form == CHAT else text.strip()
        marked = _marked(whole, form, setting.mode)
        if form == CHAT or setting.accented:
            forms[form] = nfc(marked)
        else:
            safe = to_safe(marked)
            forms[form] = safe.text
            changes |= dict.fromkeys(safe.changes)
    return forms, tuple(changes)


def _marked(text: str, form: str, mode: Mode) -> str:
    """`text` beginning with the words that say it is not real; nothing for an actual message."""
    marks = load_marks().mode.get(mode.value)
    if marks is None:
        return text
    mark, gap = (marks["chat"], "\n") if form == CHAT else (marks["sms"], ". ")
    return text if text.startswith(mark) else f"{mark}{gap}{text}"


def _false_marks(texts: Iterable[str], setting: Setting, where: str) -> list[Problem]:
    """An actual message may not look like an exercise: people would leave it at that."""
    if setting.mode is not Mode.ACTUAL:
        return []
    marks = [fold(mark["sms"]) for mark in load_marks().mode.values()]
    found = any(fold(text).startswith(mark) for text in texts for mark in marks)
    return [Problem(where, "actual_says_exercise")] if found else []


def _titled(title: str, setting: Setting) -> str:
    """With the document's number, and beginning with what is not real: lists, questions and files show titles."""
    marks = load_marks().mode.get(setting.mode.value)
    named = titled(title, setting.document_number)
    if marks is not None and not fold(named).startswith(fold(marks["title"])):
        named = f"{marks['title']} – {named}"
    return _cut(named)


def _with_reply(text: str, setting: Setting) -> str:
    """`text` with how to confirm, where that costs no further part."""
    parts = measure(text).segments
    values = setting.office.blanks() | {templates.CODE: setting.code}
    for pattern in load_marks().leader_reply:
        reply = fill(pattern, values)
        longer = f"{text} {reply if setting.accented else to_safe(reply).text}"
        if measure(longer).segments <= parts:
            return longer
    return text


def too_long(forms: Mapping[str, str], setting: Setting, where: str) -> list[Problem]:
    """Forms that are longer than their channel takes whole."""
    problems: list[Problem] = []
    if CHAT in forms:
        length = max(len(forms[CHAT]), len(forms[CHAT].encode("utf-16-le")) // 2)
        if length > setting.chat_limit:
            problems.append(Problem(where, "chat_too_long", {"length": length, "limit": setting.chat_limit}))
    for form in (SMS, SMS_LEADER):
        parts = measure(forms[form]).segments if form in forms else 0
        if parts > setting.sms_parts_limit:
            problems.append(
                Problem(where, "sms_too_long", {"form": form, "parts": parts, "limit": setting.sms_parts_limit})
            )
    return problems


def _clean(text: str) -> str:
    """NFC, one kind of line end, no control characters or lone surrogates, no blanks at the ends."""
    lines = nfc(text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(ch for ch in lines if ch == "\n" or category(ch) not in ("Cc", "Cs")).strip()


def _cut(title: str) -> str:
    line = title.split("\n", 1)[0]
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"
