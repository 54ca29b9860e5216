"""What an account's owner asked to be erased: their words, their names and the account itself.

That the office wrote to a post of a commune, and that the post confirmed, stays: it is the record of the office and
holds no account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from store.engine import Tx

ERASED = "erased"
"""Stands where the account stood; with the row's number where a table wants every account once."""


@dataclass(frozen=True, slots=True)
class Erased:
    messages: int
    addresses: int


def erase_account(tx: Tx, channels: Sequence[str], kinds: Sequence[str], account: str) -> Erased:
    """`channels` are those whose ids the account is one of, `kinds` the directory's kinds of address for them.
    Erasing twice changes nothing."""
    if not account or not channels:
        return Erased(0, 0)
    among, of_kind = ", ".join("?" * len(channels)), ", ".join("?" * len(kinds))
    messages = tx.execute(
        "UPDATE inbox SET text = '', payload = '', sender_name = '', raw = ?, sender = ?,"  # noqa: S608
        " chat = CASE WHEN chat = sender THEN ? ELSE chat END"
        f" WHERE sender = ? AND channel IN ({among})",
        (b"", ERASED, ERASED, account, *channels),
    ).rowcount
    tx.execute(f"DELETE FROM conversation WHERE sender = ? AND channel IN ({of_kind})", (account, *kinds))  # noqa: S608
    tx.execute(
        "UPDATE single SET text = '', value = '' WHERE value = ? AND delivery_id IN"  # noqa: S608
        f" (SELECT d.id FROM delivery d JOIN chunk c ON d.id BETWEEN c.id AND c.last_id WHERE c.channel IN ({among}))",
        (account, *channels),
    )
    tx.execute(
        "UPDATE direct SET value = ? || '-' || delivery_id, person_name = ''"  # noqa: S608
        f" WHERE value = ? AND channel IN ({among})",
        (ERASED, account, *channels),
    )
    tx.execute(
        "UPDATE enrolment SET value = ? || '-' || id, account_name = '', chat = ?,"  # noqa: S608
        " state = CASE WHEN state = 'pending' THEN 'refused' ELSE state END"
        f" WHERE value = ? AND channel IN ({of_kind})",
        (ERASED, ERASED, account, *kinds),
    )
    tx.execute(f"DELETE FROM group_member WHERE value = ? AND channel IN ({of_kind})", (account, *kinds))  # noqa: S608
    addresses = tx.execute(
        f"UPDATE address SET active = 0, value = ? || '-' || id WHERE value = ? AND channel IN ({of_kind})",  # noqa: S608
        (ERASED, account, *kinds),
    ).rowcount
    return Erased(messages, addresses)
