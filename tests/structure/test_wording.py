"""Everything that people read has a sentence in both languages, with the same blanks."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from jinja2 import nodes

from adapters.contract import IncomingKind
from broadcasts.carrier_orders.model import CallResult, LetterKind, MailState, OrderState
from broadcasts.model import AckState, BroadcastState, DeliveryState, Kind, Mode, RefusalKind, Role, Urgency
from broadcasts.prepared import After
from broadcasts.templates import load_templates
from broadcasts.watch.findings import KINDS, Weight
from directory.roles import ContactRole
from web.console.inbox import STATES as INBOX_STATES
from web.console.page import TEMPLATES, environment
from web.console.rollcall import MARKS
from web.locale import LANGUAGES, blanks_of, catalogue, prefer
from web.problems import STATUS_OF

ORDER_EVENTS = (
    "drafted", "edited", "submitted", "approved", "returned", "rejected", "cancelled", "archived", "blocked_exercise",
    "called", "handed_over", "acknowledged_by", "reported_by", "carrier_silent",
)  # fmt: skip
ROOT = Path(__file__).parent.parent.parent
ROOMS = ("loa", "broadcasts", "bot", "adapters", "directory", "store", "lanes", "web")
KEYED = {
    "Refusal": ("refusal", 1),
    "Problem": ("problem", 1),
    "Notice": ("notice", 1),
    "AudienceProblem": ("problem", 0),
    "_only_problem": ("problem", 1),
    "LedgerError": ("error", 0),
    "LedgerWriteError": ("error", 0),
    "SettingsError": ("settings", 0),
    "FileRefused": ("refusal", 0),
    "Failed": ("", 0),
    "Reject": ("reject", 1),
    "_Wrong": ("reject", 0),
    "Gap": ("gap", 2),
    "EditRefused": ("problem", 1),
    "EnrolmentRefused": ("refusal", 0),
    "StepFault": ("problem", 2),
    "Void": ("schedule.why", 0),
    "Health": ("health", 1),
    "Rejected": ("reason", 0),
}
"""Name of a class that carries a key → (room of the key, place of the argument)."""
MADE_BY = {"_says": ("health", 1), "_health": ("health", 1), "health": ("health", 1), "not_well": ("health", 1)}
"""The same for methods that make a `Health`."""


def trees():
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield path, ast.parse(path.read_text("utf-8"))


def constant(node):
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def constants(node):
    """The strings that an argument may be."""
    if isinstance(node, ast.IfExp):
        return constants(node.body) + constants(node.orelse)
    found = constant(node)
    return [found] if found is not None else []


def keys_in_code():
    found = set()
    for path, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            where = KEYED.get(name) or (MADE_BY.get(name) if "adapters" in path.parts else None)
            if where is None:
                continue
            room, place = where
            if name == "_says":
                room = f"health.{path.parent.name}"
            given = node.args[place] if len(node.args) > place else None
            for key in constants(given):
                found.add((f"{room}.{key}" if room else key, path.name))
    return found


def troubles():
    """`Trouble(status, "key", …)` of the web itself."""
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Trouble":
                room = next((constant(k.value) for k in node.keywords if k.arg == "room"), None) or "error"
                for key in constants(node.args[1]):
                    yield f"{room}.{key}", path.name
                if isinstance(node.args[0], ast.Constant):
                    yield f"status.{node.args[0].value}", path.name


def said_by_templates():
    """Keys that a template gives to `t`, `first` or `has` as they stand."""
    env = environment()
    for path in sorted(TEMPLATES.rglob("*.html")):
        tree = env.parse(path.read_text("utf-8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in ("t", "first", "has"):
                for given in call.args:
                    if isinstance(given, nodes.Const) and isinstance(given.value, str):
                        yield given.value, path.name


def say_calls():
    """`say("key")` and `say.say("key")` in code."""
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args:
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if name == "say":
                    for key in constants(node.args[0]):
                        yield key, path.name


NEEDED = {
    "state.broadcast.{}": [state.value for state in BroadcastState],
    "state.delivery.{}": [state.word for state in DeliveryState],
    "tile.way.{}": [state.word for state in DeliveryState],
    "state.ack.{}": [state.value for state in AckState],
    "tile.{}": [state.value for state in AckState],
    "mode.{}": [mode.value for mode in Mode],
    "mode.{}.banner": [mode.value for mode in Mode],
    "urgency.{}": [urgency.value for urgency in Urgency],
    "kind.{}": [kind.value for kind in Kind],
    "role.{}": [role.value for role in Role],
    "person.{}": [role.value for role in ContactRole],
    "rollcall.mark.{}": [mark.value for mark in MARKS],
    "state.order.{}": [state.value for state in OrderState],
    "carrier.mail.{}": [state.value for state in MailState],
    "carrier.letter.{}": [kind.value for kind in LetterKind],
    "carrier.call.{}": [result.value for result in CallResult],
    "carrier.approve.{}": ["actual", "exercise"],
    "carrier.acknowledged_{}": ["page", "phone"],
    "carrier.state.{}": ["handed", "waiting"],
    "carrier.page.{}": ["report", "correct"],
    "order_event.{}": [*ORDER_EVENTS, "sent", "acknowledged", "reported", "mail_sent", "mail_refused", "mail_unknown"],
    "inbox.state.{}": list(INBOX_STATES),
    "inbox.kind.{}": [kind.value for kind in IncomingKind],
    "status.{}": [STATUS_OF[kind] for kind in RefusalKind],
    "form.{}": list(load_templates().all[0].forms),
    "health.state.{}": ["ok", "degraded", "down", "off"],
    "watch.{}.says": KINDS,
    "watch.{}.mend": KINDS,
    "watch.weight.{}": [weight.value for weight in Weight],
    "watch.result.{}": ["never", "waiting", "works", "failed", "unset"],
    "after.{}": [after.value for after in After],
    "after.title.{}": [after.value for after in After],
    "after.send.{}": [after.value for after in After],
    "board.todo.{}": ["approve", "correct", "finish"],
    "approve.quick.{}": ["wording", "numbers", "audience", "time"],
}
"""Keys that are put together while running."""


def needed():
    return [pattern.format(value) for pattern, values in NEEDED.items() for value in values]


def missing(keys):
    return sorted({f"{key} ({where})" for key, where in keys for lang in LANGUAGES if not known(lang, key)})


def known(lang, key):
    has = catalogue(lang).has
    return has(key) or (key.startswith("health.") and has(f"{key}.says"))


def test_both_languages_say_the_same_things():
    vi, en = (catalogue(lang).all_keys() for lang in LANGUAGES)
    assert vi == en


def test_a_sentence_has_the_same_blanks_in_both_languages():
    vi, en = (blanks_of(lang) for lang in LANGUAGES)
    for key, forms in vi.items():
        wanted = forms[0]
        assert all(form == wanted or form == wanted - {"n"} for form in (*forms, *en[key])), key


def test_no_sentence_is_empty():
    for lang in LANGUAGES:
        for key in catalogue(lang).all_keys():
            assert catalogue(lang).say(key, n=1).strip(), key


@pytest.mark.parametrize("keys", [keys_in_code, troubles, said_by_templates, say_calls], ids=lambda one: one.__name__)
def test_every_key_that_is_used_has_a_sentence(keys):
    found = [(key, where) for key, where in keys() if re.fullmatch(r"[a-z]+\.[\w.-]+", key)]
    assert found, "nothing was found: the search is broken"
    assert missing(found) == []


def test_every_state_and_choice_has_a_word():
    assert missing((key, "model") for key in needed()) == []


def test_every_reason_of_the_codes_tables_has_a_word():
    reasons = set()
    for path in sorted((ROOT / "adapters").rglob("codes.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", "")
                place = {"Code": 0, "Row": 2, "_retry": 1, "_number": 1, "_text": 1, "_config": 1, "Verdict": 1}.get(
                    name
                )
                if place is not None and len(node.args) > place:
                    reasons.update(constants(node.args[place]))
    assert "throttled" in reasons
    assert missing((f"reason.{reason}", "codes") for reason in reasons) == []


def test_no_vietnamese_sentence_stands_in_code():
    accented = re.compile(r"[àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ]{1}", re.IGNORECASE)
    for path, tree in trees():
        if path.parts[-2] not in ("console", "api", "hooks", "web"):
            continue
        documented = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        loose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if constant(node) and id(node) not in documented | loose and accented.search(node.value):
                assert node.value == "Phường", f"{path.name}: {node.value}"


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", "vi"), ("*", "vi"), ("en", "en"), ("en-US,en;q=0.9", "en"), ("vi,en;q=0.9", "vi"),
        ("en;q=0.1,vi;q=0.2", "vi"),
        ("fr,de", "vi"), ("en;q=0", "vi"), ("en;q=viele", "vi"), (";;;,,,", "vi"), ("EN", "en"), ("x" * 9_999, "vi"),
    ],
)  # fmt: skip
def test_the_callers_language(header, lang):
    assert prefer(header) == lang


def test_a_value_cannot_fill_another_blank():
    say = catalogue("vi")
    assert say.say("refusal.no_such_broadcast", ref="{code}") == "Không có tin nào mang mã “{code}”."
    assert "{n}" in say.say("count.numbers")
    assert say.say("khong.co") == "khong.co"


def test_numbers_are_written_as_people_write_them():
    assert catalogue("vi").say("count.numbers", n=20_000) == "20.000 số"
    assert catalogue("en").say("count.numbers", n=1) == "1 number"
    assert catalogue("en").say("count.numbers", n=20_000) == "20,000 numbers"
