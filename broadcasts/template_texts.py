"""Templates as an office changes them: the texts and their blanks, tried with the blanks' examples before they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from pydantic import ValidationError

from broadcasts.blanks import BlankType, fits
from broadcasts.content import FORMS, OfficeFacts, Setting, Source, render
from broadcasts.model import Problem
from broadcasts.office_texts import Body
from broadcasts.prepared import load_prepared, with_prepared
from broadcasts.templates import OFFICE_BLANKS, SYSTEM_BLANKS, Blank, Template, TemplateSet, placeholders, unpaired
from text.segments import Segments

TEXTS: Final = ("subject", "chat", "sms", "sms_leader")
SAMPLE_CODE: Final = "TB0925-01"
"""As long as the codes that the desk gives."""
TEXT_MOST: Final = 4_000
"""Characters of one text; the channels' own limits are lower."""


class TemplateTexts:
    """`live` is the set that the desk renders with; `sms_parts` is `[limits]`'s."""

    kind = "template"

    def __init__(self, shipped: TemplateSet, live: TemplateSet, office: OfficeFacts, sms_parts: int) -> None:
        self._shipped = shipped
        self._live = live
        self._office = office
        self._sms_parts = sms_parts

    def names(self) -> Sequence[str]:
        return [one.key for one in self._shipped.all]

    def template(self, name: str) -> Template | None:
        return next((one for one in self._shipped.all if one.key == name), None)

    def original(self, name: str) -> Body | None:
        template = self.template(name)
        return body_of(template) if template is not None else None

    def check(self, name: str, body: Body, others: Mapping[str, Body]) -> list[Problem]:
        del others
        shipped = self.template(name)
        assert shipped is not None
        if problems := _texts_wrong(body):
            return problems
        try:
            changed = changed_template(shipped, body)
        except ValidationError as wrong:
            return [Problem(_place(error["loc"]), "blank_row_wrong") for error in wrong.errors()]
        return _wrong_blanks(changed) or self._tried(changed)

    def _tried(self, template: Template) -> list[Problem]:
        setting, source = self._sample(template)
        found = render(source, setting, TemplateSet((template,))).problems
        return [one for one in found if one.key != "config_empty" and not _masked_phone(one)]

    def apply(self, changed: Mapping[str, Body]) -> None:
        whole = tuple(
            changed_template(one, changed[one.key]) if one.key in changed else one for one in self._shipped.all
        )
        self._live.use(with_prepared(replace(self._shipped, all=whole), load_prepared()))

    def sampled(self, name: str, body: Body) -> dict[str, tuple[str, Segments]]:
        """Each form with the blanks' examples in it, and its measure; empty where the texts cannot be filled."""
        shipped = self.template(name)
        if shipped is None or _texts_wrong(body):
            return {}
        try:
            template = changed_template(shipped, body)
        except ValidationError:
            return {}
        setting, source = self._sample(template)
        content = render(source, setting, TemplateSet((template,)))
        return {form: (text, content.segments(form)) for form, text in content.forms.items()}

    def _sample(self, template: Template) -> tuple[Setting, Source]:
        examples = {name: blank.example for name, blank in template.blanks.items() if not blank.derived_from}
        setting = Setting(self._office, SAMPLE_CODE, template.mode, forms=FORMS, sms_parts_limit=self._sms_parts)
        return setting, Source(template=template.key, blanks=examples)


def _masked_phone(problem: Problem) -> bool:
    """An example shows no real number: "09xx.xxx.xxx" is one, though nobody could send it."""
    return (
        problem.key == "blank_wrong_type"
        and problem.params["type"] == BlankType.PHONE.value
        and fits(BlankType.PHONE, problem.params["value"], real=False, domains=frozenset(), known_unit=lambda _: True)
    )


def body_of(template: Template) -> dict[str, Any]:
    blanks = {name: blank.model_dump(mode="json") for name, blank in template.blanks.items()}
    return {name: getattr(template, name) for name in TEXTS} | {"blanks": blanks}


def changed_template(shipped: Template, body: Body) -> Template:
    """The shipped template with the body's texts. Blanks that no text uses are left out: whoever takes a blank out of
    the texts has taken it away. Raises ValidationError."""
    texts = {name: str(body[name]).strip() for name in TEXTS}
    used = set(placeholders(" ".join(texts.values())))
    blanks = {name: Blank.model_validate(row) for name, row in body["blanks"].items()}
    used |= {blank.derived_from for name, blank in blanks.items() if name in used and blank.derived_from}
    kept = {name: blank for name, blank in blanks.items() if name in used}
    return shipped.model_copy(update=texts | {"blanks": kept})


def _texts_wrong(body: Body) -> list[Problem]:
    problems = []
    for name in TEXTS:
        text = body.get(name, "")
        if not isinstance(text, str) or not text.strip():
            problems.append(Problem(name, "template_text_missing"))
        elif len(text) > TEXT_MOST:
            problems.append(Problem(name, "template_text_long", {"limit": TEXT_MOST}))
        elif loose := unpaired(text):
            problems.append(Problem(name, "template_unpaired", {"bracket": loose}))
    return problems


def _wrong_blanks(template: Template) -> list[Problem]:
    automatic = SYSTEM_BLANKS | OFFICE_BLANKS
    problems = [
        Problem(f"blanks.{name}", "template_blank_taken", {"name": name})
        for name in template.blanks
        if name in automatic
    ]
    known = ", ".join([*template.blanks, *sorted(automatic)])
    for text in TEXTS:
        for name in placeholders(getattr(template, text)):
            if name not in template.blanks and name not in automatic:
                problems.append(Problem(text, "template_blank_unknown", {"name": name, "known": known}))
    for name, blank in template.blanks.items():
        if not blank.label.strip() or not blank.example.strip():
            problems.append(Problem(f"blanks.{name}", "template_blank_bare", {"name": name}))
    return problems


def _place(loc: tuple[int | str, ...]) -> str:
    return f"blanks.{loc[0]}" if loc else "blanks"
