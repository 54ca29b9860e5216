"""Group management of the simulated OA API, and reading chats back."""

from __future__ import annotations

from typing import Any

from simulators.zalo import limits
from simulators.zalo.answers import Refused
from simulators.zalo.messages import Messages
from simulators.zalo.oauth import App
from simulators.zalo.webhook import WebhookSender
from simulators.zalo.world import Group, Json, World, new_id

HISTORY_COUNT = 5
"""Default of `count`."""
HISTORY_MOST = 10
_SETTINGS = ("lock_send_msg", "join_appr", "enable_msg_history", "enable_link_join")
_INFO = {"group_name": "name", "group_description": "description"}


class Groups:
    def __init__(self, app: App, world: World, messages: Messages, webhook: WebhookSender) -> None:
        self._app = app
        self._world = world
        self._messages = messages
        self._webhook = webhook

    async def create(self, body: Json) -> Json:
        members = _ids(body)
        if not 1 <= len(members) <= limits.GROUP_CREATE_MEMBERS:
            raise Refused(-210, "member_user_ids is over limit")
        if any(user_id not in self._world.users for user_id in members):
            raise Refused(-201, "member_user_ids is invalid")
        group_id = new_id()
        link = f"https://zalo.me/g/{group_id[:9]}"
        made = Group(group_id, str(body.get("group_name", "")), link, members, members[:1])
        made.description = str(body.get("group_description", ""))
        self._world.groups[group_id] = made
        self._tell("create_group", made, [])
        return _listed(made)

    async def get(self, query: Json) -> Json:
        group = self._group(query)
        info = _listed(group) | {"max_member": str(group.max_member), "auto_delete_date": ""}
        asset = {"asset_type": f"gmf{group.max_member}", "asset_id": group.asset_id,
                 "valid_through": group.valid_through, "auto_renew": False}  # fmt: skip
        settings = {key: group.settings.get(key, False) for key in _SETTINGS}
        return {"group_info": info, "asset_info": asset, "group_setting": settings}

    async def of_oa(self, query: Json) -> Json:
        owned = [group for group in self._world.groups.values() if group.owned]
        rows, paging = _page(query, [_listed(group) for group in owned])
        return paging | {"group_count": len(rows), "groups": rows}

    async def members(self, query: Json) -> Json:
        group = self._group(query)
        everybody: list[Json] = [{"oa_id": self._app.oa_id, "name": "OA", "avatar": ""}]
        everybody += [{"user_id": i, "name": self._name(i), "avatar": ""} for i in group.members]
        rows, paging = _page(query, everybody)
        return paging | {"member_count": len(rows), "members": rows}

    async def pending(self, query: Json) -> Json:
        rows, paging = _page(query, [{"user_id": i, "name": self._name(i)} for i in self._group(query).pending])
        return paging | {"member_count": len(rows), "members": rows}

    async def invite(self, body: Json) -> None:
        group = self._group(body)
        for user_id in _ids(body):
            user = self._world.users.get(user_id)
            if user is None or not user.follows:
                raise Refused(-213, "User has not followed OA")
            if user_id not in group.members:
                if len(group.members) >= group.max_member:
                    raise Refused(-211, "Out of quota")
                group.members.append(user_id)
                self._tell("user_join_group", group, [user_id])

    async def accept(self, body: Json) -> None:
        group = self._group(body)
        for user_id in [i for i in _ids(body) if i in group.pending]:
            group.pending.remove(user_id)
            group.members.append(user_id)
            self._tell("accept_request_join_group", group, [user_id])

    async def reject(self, body: Json) -> None:
        group = self._group(body)
        for user_id in [i for i in _ids(body) if i in group.pending]:
            group.pending.remove(user_id)
            self._tell("reject_request_join_group", group, [user_id])

    async def add_admins(self, body: Json) -> None:
        group = self._group(body)
        added = [i for i in _ids(body) if i in group.members and i not in group.admins]
        group.admins += added
        self._tell("add_group_admin", group, added)

    async def remove_admins(self, body: Json) -> None:
        group = self._group(body)
        gone = [i for i in _ids(body) if i in group.admins]
        group.admins = [i for i in group.admins if i not in gone]
        self._tell("remove_group_admin", group, gone)

    async def remove_members(self, body: Json) -> None:
        group = self._group(body)
        gone = [i for i in _ids(body) if i in group.members]
        group.members = [i for i in group.members if i not in gone]
        self._tell("user_out_group", group, gone)

    async def update(self, body: Json) -> None:
        group = self._group(body)
        for key, attribute in _INFO.items():
            if key in body:
                setattr(group, attribute, str(body[key]))
        group.settings |= {key: body[key] for key in _SETTINGS if key in body}
        self._tell("update_group_info", group, [])

    async def update_asset(self, body: Json) -> None:
        group = self._group(body)
        group.asset_id = str(body.get("asset_id", ""))
        group.status = "enabled"

    async def delete(self, body: Json) -> None:
        group = self._group(body)
        del self._world.groups[group.group_id]
        self._tell("delete_group", group, [])

    async def conversation(self, query: Json) -> list[Json]:
        group = self._group(query)
        count = min(int(query.get("count", HISTORY_COUNT)), HISTORY_MOST)
        history = self._world.history(group.group_id, int(query.get("offset", 0)), count)
        return [message.entry(group.group_id) for message in history]

    async def recent(self, query: Json) -> list[Json]:
        last = [self._world.history(g.group_id, 0, 1) for g in self._world.groups.values() if g.owned]
        rows, _ = _page(query, [found[0].entry(found[0].to_id) for found in last if found])
        return rows

    async def quota(self, body: Json) -> list[Json]:
        used = [group for group in self._world.groups.values() if group.owned]
        return [
            {"product_type": f"gmf{g.max_member}", "quota_type": "sub_quota", "asset_id": g.asset_id,
             "valid_through": g.valid_through, "auto_renew": "true", "status": "used", "used_id": g.group_id}
            for g in used
        ]  # fmt: skip

    async def user_conversation(self, query: Json) -> list[Json]:
        """`/v2.0/oa/conversation`."""
        user_id = str(query.get("user_id", ""))
        if user_id not in self._world.users:
            raise Refused(-201, "user_id is invalid")
        count = int(query.get("count", HISTORY_COUNT))
        if count > HISTORY_MOST:
            raise Refused(-210, "count is over limit")
        return [m.entry() for m in self._world.history(user_id, int(query.get("offset", 0)), count)]

    def _group(self, params: Json) -> Group:
        return self._messages.owned(str(params.get("group_id", "")))

    def _name(self, user_id: str) -> str:
        user = self._world.users.get(user_id)
        return user.name if user else ""

    def _tell(self, name: str, group: Group, user_ids: list[str]) -> None:
        self._webhook.send(self._messages.events.group_life(name, group.group_id, user_ids, self._world.stamp()))


def _listed(group: Group) -> Json:
    return {
        "name": group.name,
        "avatar": "",
        "group_id": group.group_id,
        "group_link": group.link,
        "group_description": group.description,
        "total_member": str(len(group.members)),
        "status": group.status,
    }


def _ids(body: Json) -> list[str]:
    found = body.get("member_user_ids")
    return [str(one) for one in found] if isinstance(found, list) else []


def _page(query: Json, rows: list[Any]) -> tuple[list[Any], Json]:
    offset, count = int(query.get("offset", 0)), int(query.get("count", 5))
    return rows[offset : offset + count], {"offset": offset, "count": count, "total": len(rows)}
