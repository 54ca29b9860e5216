"""The OA itself, its users, quotas and uploads, as the simulated API tells them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from simulators.stage import Stage, StoredFile
from simulators.zalo import limits
from simulators.zalo.answers import Refused
from simulators.zalo.faults import Faults
from simulators.zalo.oauth import App
from simulators.zalo.world import Json, User, World, new_id

USERS_MOST = 50
GOVERNMENT, BUSINESS = 4, 2


class Info:
    def __init__(self, app: App, world: World, stage: Stage, faults: Callable[[], Faults]) -> None:
        self._app = app
        self._stage = stage
        self._world = world
        self._faults = faults

    async def oa(self, _: Json) -> Json:
        faults = self._faults()
        return {
            "oaid": self._app.oa_id,
            "name": "OA mô phỏng",
            "description": "",
            "is_verified": True,
            "oa_type": GOVERNMENT if faults.government else BUSINESS,
            "num_follower": sum(user.follows for user in self._world.users.values()),
            "package_name": "Cơ bản" if faults.no_package else "Toàn diện",
            "package_valid_through_date": "31/12/2099",
            "package_auto_renew_date": "",
            "linked_zca": "",
        }

    async def user(self, query: Json) -> Json:
        user = self._user(query)
        last = user.last_interaction
        return {
            "user_id": user.user_id,
            "user_id_by_app": user.user_id,
            "user_external_id": "",
            "display_name": user.name,
            "user_alias": user.name,
            "is_sensitive": False,
            "user_last_interaction_date": _local(last).strftime("%d/%m/%Y") if last is not None else "",
            "user_is_follower": user.follows,
            "avatar": "",
            "tags_and_notes_info": {"notes": [], "tag_names": []},
            "shared_info": {},
        }

    async def users(self, query: Json) -> Json:
        offset, count = int(query.get("offset", 0)), int(query.get("count", USERS_MOST))
        if count > USERS_MOST:
            raise Refused(-210, "count is over limit")
        lately = query.get("last_interaction_period") == "L7D"
        everybody = [user.user_id for user in self._world.users.values() if not lately or self._within_window(user)]
        page = [{"user_id": user_id} for user_id in everybody[offset : offset + count]]
        return {"total": len(everybody), "count": len(page), "offset": offset, "users": page}

    def _within_window(self, user: User) -> bool:
        last = user.last_interaction
        return last is not None and self._world.now() - last <= limits.WINDOW_SECONDS

    async def quota(self, body: Json) -> Any:
        if "user_id" not in body:
            product = str(body.get("product_type", "cs"))
            owned = {"asset_id": "asset-0002", "product_type": product, "quota_type": "sub_quota"}
            return [owned | {"valid_through": "31/12/2099", "total": "2000", "remain": "1900"}]
        last = self._user(body).last_interaction
        return {
            "last_interaction": str(int(last * 1000)) if last is not None else "",
            "cs_reply": {"remain": "8", "total": "8"},
            "promotion": {"daily_remain": 1, "daily_total": 1, "monthly_remain": 30, "monthly_total": 30},
        }

    async def upload(self, request: web.Request, kind: str) -> Json:
        """Multipart, field `file`; -201 for a wrong type, -210 for too much. The token holds for seven days."""
        part = (await request.post()).get("file")
        if not isinstance(part, web.FileField):
            raise Refused(-201, "file is invalid")
        content = part.file.read()
        size = len(content)
        if part.content_type not in limits.UPLOAD_TYPES[kind]:
            raise Refused(-201, "file is invalid")
        if size > limits.UPLOAD_BYTES[kind]:
            raise Refused(-210, "file is over limit")
        kept = new_id()
        self._world.uploads[kept] = self._world.now()
        self._stage.files[kept] = StoredFile(part.filename, part.content_type, content)
        self._stage.counters[f"upload/{kind}"] += 1
        return {"token" if kind == "file" else "attachment_id": kept}

    def _user(self, params: Json) -> User:
        user = self._world.users.get(str(params.get("user_id", "")))
        if user is None:
            raise Refused(-201, "user_id is invalid")
        return user


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC) + timedelta(hours=limits.UTC_OFFSET_HOURS)
