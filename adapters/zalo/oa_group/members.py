"""Who is in the OA's groups. Source: Zalo OA docs, group/listmember, group/getgroupsofoa, group/invite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.contract import Priority
from adapters.zalo import limits
from adapters.zalo.client import Answer, Called, OaClient

MOST_PAGES = 200
"""A guard: the largest group has 1,000 members, the largest OA far fewer than 10,000 groups."""


@dataclass(frozen=True, slots=True)
class Member:
    user_id: str
    name: str


async def list_members(client: OaClient, group_id: str) -> list[Member]:
    """People in the group, without the OA itself; what could be read, if Zalo stops answering midway."""
    pages = _pages(client, "/v3.0/oa/group/listmember", "members", {"group_id": group_id})
    return [Member(str(row["user_id"]), str(row.get("name", ""))) async for row in pages if row.get("user_id")]


async def whole_list(client: OaClient, group_id: str) -> list[Member] | None:
    """As `list_members`, but None where Zalo stopped answering before the end: nobody is then taken for absent."""
    found: list[Member] = []
    for page in range(MOST_PAGES):
        params = {"group_id": group_id, "offset": str(page * limits.MEMBERS_PAGE), "count": str(limits.MEMBERS_PAGE)}
        called = await client.call("GET", "/v3.0/oa/group/listmember", params=params, priority=Priority.NORMAL)
        if not isinstance(called, Answer) or not isinstance(called.data, Mapping):
            return None
        rows = called.data.get("members") or []
        found += [Member(str(row["user_id"]), str(row.get("name", ""))) for row in rows if row.get("user_id")]
        if len(rows) < limits.MEMBERS_PAGE:
            return found
    return None


async def group_by_link(client: OaClient, link: str) -> str:
    """The id of the OA's group with this `https://zalo.me/g/…` link; "" when the OA owns no such group."""
    if not link:
        return ""
    async for row in _pages(client, "/v3.0/oa/group/getgroupsofoa", "groups", {}):
        if str(row.get("group_link", "")).rstrip("/") == link.rstrip("/"):
            return str(row.get("group_id", ""))
    return ""


async def invite(client: OaClient, group_id: str, user_ids: Sequence[str]) -> Called:
    """Ask people in; they must follow the OA or have written to it within 7 days."""
    return await client.call(
        "POST", "/v3.0/oa/group/invite", json={"group_id": group_id, "member_user_ids": list(user_ids)}
    )


async def _pages(client: OaClient, path: str, key: str, params: Mapping[str, str]) -> AsyncIterator[Mapping[str, Any]]:
    offset = 0
    for _ in range(MOST_PAGES):
        page = {**params, "offset": str(offset), "count": str(limits.MEMBERS_PAGE)}
        called = await client.call("GET", path, params=page, priority=Priority.NORMAL)
        rows = called.data.get(key) if isinstance(called, Answer) and isinstance(called.data, Mapping) else None
        if not rows:
            return
        for row in rows:
            yield row
        offset += len(rows)
        if len(rows) < limits.MEMBERS_PAGE:
            return
