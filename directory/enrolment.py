"""How an account becomes a person's address: a code that was handed out, an account that names it, an officer's yes.

Plain functions on one transaction. Rules: a code serves once, for one person and one family of channels; an account
belongs to one person; a newly confirmed account is the one that is written to first, since its owner just used it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from directory import enrolment_codes as codes
from directory.people import Person, bind_address, by_id
from store import approvals, directory, enrolment, paths
from store.engine import Tx
from store.enrolment import CodeRow, Request

SECRET: Final = "enrolment"
"""Name of the key that codes are made with."""
BY_ITSELF: Final = "loa"
"""Who confirmed, where no officer had to."""
MOST_SERIALS: Final = 5
"""Next serial numbers that are tried where two codes would be the same."""


class Confirm(StrEnum):
    """Who confirms that an account is the person's."""

    OFFICER = "officer"  # always an officer
    SENT = "sent"  # nobody where we sent the code to the person's registered telephone ourselves, else an officer
    CODE = "code"  # nobody: a right code is enough


class Redeemed(StrEnum):
    """What became of a code that somebody typed; the answer to them is worded by it."""

    PENDING = "pending"  # an officer is to confirm
    TAKEN = "taken"  # the same, and the account is somebody else's until then
    CONFIRMED = "confirmed"
    AGAIN = "again"  # this account waits for an officer already
    ALREADY = "already"  # this account is this person's already
    MISTYPED = "mistyped"  # no code looks like this
    WRONG = "wrong"  # it looks like one, and is none of ours
    USED = "used"
    EXPIRED = "expired"
    ENDED = "ended"  # withdrawn, replaced, or the person has left
    OTHER_FAMILY = "other_family"


@dataclass(frozen=True, slots=True)
class Account:
    """Who wrote. `family` is what people choose, `space` whose ids `value` is one of (the family's own, or a channel's
    with ids of its own); `route` and `chat` are where an answer goes."""

    family: str
    space: str
    value: str
    route: str
    chat: str
    name: str


@dataclass(frozen=True, slots=True)
class Result:
    how: Redeemed
    person: Person | None = None
    request_id: int | None = None
    family: str = ""
    """Of the code, where it is another than the account's."""


class EnrolmentRefused(Exception):
    """`key` names the sentence (`refusal.<key>`): enrolment_decided, enrolment_unknown, person_left, no_telephone."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


# -- codes ------------------------------------------------------------------------------------------------------------


def issue(
    tx: Tx, person_id: int, family: str, by: str, now: float, *, valid: float = codes.VALID_SECONDS, anew: bool = False
) -> CodeRow:
    """The person's open code of a family, made where there is none. `anew`: whatever was handed out before is void."""
    if anew:
        enrolment.end_codes(tx, person_id, family, now)
    for row in enrolment.live_codes(tx, now, person_id):
        if row.channel == family:
            return row
    enrolment.end_codes(tx, person_id, family, now)  # an expired one makes room
    secret = approvals.secret(tx, SECRET)
    serial = enrolment.last_serial(tx, person_id, family)
    for _ in range(MOST_SERIALS):
        serial += 1
        hashed = codes.hashed(secret, codes.made(secret, person_id, family, serial))
        made = enrolment.add_code(tx, person_id, family, serial, hashed, by, now, now + valid)
        added = enrolment.code(tx, made) if made is not None else None
        if added is not None:
            return added
    raise RuntimeError("no free code found")  # one chance in 10^40


def issue_all(
    tx: Tx, people: Iterable[int], family: str, by: str, now: float, *, valid: float = codes.VALID_SECONDS
) -> int:
    """Codes for those of `people` who have none of this family and no account; how many were made."""
    open_codes = {(row.person_id, row.channel) for row in enrolment.live_codes(tx, now)}
    bound = {address.person_id for address in directory.addresses(tx) if address.channel == family}
    wanted = [one for one in people if one not in bound and (one, family) not in open_codes]
    for person_id in wanted:
        issue(tx, person_id, family, by, now, valid=valid)
    return len(wanted)


def text_of(tx: Tx, row: CodeRow) -> str:
    """The code itself, "" where the office's key is gone."""
    secret = enrolment.secret(tx, SECRET)
    return codes.made(secret, row.person_id, row.channel, row.serial) if secret else ""


# -- an account names a code ------------------------------------------------------------------------------------------


def redeem(tx: Tx, typed: str, account: Account, at: float, inbox_id: int, confirm: Confirm) -> Result:
    """Safe to repeat for the same message (`inbox_id`)."""
    known = enrolment.of_message(tx, inbox_id)
    if known is not None:
        return _made(tx, known)
    code = codes.read(typed)
    if not codes.is_code(code):
        return Result(Redeemed.MISTYPED)
    secret = enrolment.secret(tx, SECRET)
    row = enrolment.code_by_hash(tx, codes.hashed(secret, code)) if secret else None
    if row is None:
        return Result(Redeemed.WRONG)
    person = by_id(tx, row.person_id)
    refused = _unusable(tx, row, person, account, at)
    if refused is not None or person is None:
        return refused or Result(Redeemed.ENDED)
    waiting = enrolment.pending_of(tx, account.space, account.value)
    if waiting is not None:
        return Result(Redeemed.AGAIN, by_id(tx, waiting.person_id), waiting.id)
    if not enrolment.use_code(tx, row.id, at):
        return Result(Redeemed.USED)
    owner = directory.owner(tx, account.space, account.value)
    made = enrolment.ask(tx, row, account.space, account.value, account.route, account.chat, account.name, at, inbox_id)
    if owner is None and (confirm is Confirm.CODE or (confirm is Confirm.SENT and row.sent_at is not None)):
        accept(tx, made, BY_ITSELF, at)
        return Result(Redeemed.CONFIRMED, person, made)
    return Result(Redeemed.TAKEN if owner is not None else Redeemed.PENDING, person, made)


def _unusable(tx: Tx, row: CodeRow, person: Person | None, account: Account, at: float) -> Result | None:
    """Why a code of ours does not serve this account now."""
    if row.channel != account.family:
        return Result(Redeemed.OTHER_FAMILY, family=row.channel)
    owner = directory.owner(tx, account.space, account.value)
    if owner is not None and owner.id == row.person_id:
        return Result(Redeemed.ALREADY, person)
    if row.used_at is not None:
        waiting = enrolment.pending_of(tx, account.space, account.value)
        if waiting is not None and waiting.code_id == row.id:
            return Result(Redeemed.AGAIN, person, waiting.id)
        return Result(Redeemed.USED)
    known = directory.person(tx, row.person_id)
    if row.ended_at is not None or known is None or not known.active:
        return Result(Redeemed.ENDED)
    return Result(Redeemed.EXPIRED) if row.expires_at <= at else None


def _made(tx: Tx, request: Request) -> Result:
    person = by_id(tx, request.person_id)
    how = Redeemed.CONFIRMED if request.state == "confirmed" else Redeemed.PENDING
    return Result(how, person, request.id)


# -- an officer decides -----------------------------------------------------------------------------------------------


def accept(tx: Tx, request_id: int, by: str, now: float) -> Request:
    """The account is the person's from now on, and nobody else's. Raises `EnrolmentRefused`."""
    request = _pending(tx, request_id)
    person = directory.person(tx, request.person_id)
    if person is None or not person.active:
        raise EnrolmentRefused("person_left")
    owner = directory.owner(tx, request.channel, request.value)
    if owner is not None and owner.id != person.id:
        taken = [one.id for one in directory.addresses_of(tx, owner.id) if _is(one, request)]
        revoke(tx, taken, by, now, "moved")
    address = bind_address(tx, person.id, request.channel, request.value, now)
    if address is None:
        raise RuntimeError("the account is still somebody's")
    prefer(tx, person.id, request.channel, address)
    paths.proved_by_id(tx, address, request.asked_at, paths.ENROLLED)
    if not enrolment.decide(tx, request.id, "confirmed", by, now, "", address):
        raise EnrolmentRefused("enrolment_decided")
    return request


def refuse(tx: Tx, request_id: int, by: str, reason: str, now: float) -> Request:
    """The account stays nobody's; the code is spent. Raises `EnrolmentRefused`."""
    request = _pending(tx, request_id)
    if not enrolment.decide(tx, request.id, "refused", by, now, reason):
        raise EnrolmentRefused("enrolment_decided")
    return request


def revoke(tx: Tx, address_ids: Iterable[int], by: str, now: float, reason: str) -> None:
    """Nothing is sent to these addresses, or believed from them, any more."""
    ids = list(address_ids)
    directory.retire_addresses(tx, ids)
    enrolment.revoke(tx, ids, by, now, reason)


def prefer(tx: Tx, person_id: int, channel: str, address_id: int) -> None:
    """This address of the person comes first in its channel, the others after it in their order."""
    others = [one.id for one in directory.addresses_of(tx, person_id) if one.channel == channel]
    ordered = [address_id, *(one for one in others if one != address_id)]
    directory.order_addresses(tx, [(one, place) for place, one in enumerate(ordered)])


def _pending(tx: Tx, request_id: int) -> Request:
    request = enrolment.request(tx, request_id)
    if request is None:
        raise EnrolmentRefused("enrolment_unknown")
    if request.state != "pending":
        raise EnrolmentRefused("enrolment_decided")
    return request


def _is(address: directory.AddressRow, request: Request) -> bool:
    return (address.channel, address.value) == (request.channel, request.value)
