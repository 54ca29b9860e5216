"""Every word that `inbox.note` may hold; each has a sentence in `locale/` (`inbox.note.<word>`)."""

from __future__ import annotations

from typing import Final

FOR_PERSON: Final = frozenset(
    {
        "rescue", "needs_help", "report", "damage", "unknown", "menu", "media", "long", "rude", "binary", "stranger",
        "other_unit", "withdraw", "failed", "report_stranger", "command_in_group", "enrol_limited", "foreign_button",
    }
)  # fmt: skip
"""Why an officer must read it. `menu`: not understood, and the menu was sent; `unknown`: that was done today already;
`stranger`: an unknown account confirms in the group; `other_unit`: the text names another than the sender's unit."""

SAID: Final = frozenset(
    {
        "acknowledged", "acknowledged_late", "already", "already_by", "superseded", "recalled", "not_addressed",
        "recalled_document", "course", "course_which", "course_refused",
        "unknown_code", "nothing_open", "no_unit", "which", "opted_out", "opted_in", "reported",
        "report_wrong", "report_withdrawn", "command_approve", "command_change", "command_return",
        "command_status", "command_silent",
        "enrol_pending", "enrol_taken", "enrol_confirmed", "enrol_again", "enrol_already", "enrol_mistyped",
        "enrol_wrong", "enrol_used", "enrol_expired", "enrol_ended", "enrol_other_family", "enrol_how", "enrol_known",
    }
)  # fmt: skip
"""What we told somebody; `which`: we asked back."""

KEPT_SILENT: Final = frozenset({"limited", "robot", "group", "chatter", "not_a_person", "ourselves", "event"})
"""Why nothing was said. `group`: not before everybody; `chatter`: talk in a group; `event`: joined, followed, left."""

NOTES: Final = FOR_PERSON | SAID | KEPT_SILENT
