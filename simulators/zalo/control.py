"""The part of the control API that is Zalo's own, beside that of every stage.

- `POST /_sim/webhook {"url"}` → `{"enabled"}`: save the OA's webhook address (probed with an unsigned `{}`)
- `GET /_sim/webhook` → `{"url", "enabled", "under_way", "counts"}`: events without an answer yet, and how others ended
- `POST /_sim/users [{"user_id", "name", "on_mobile"?, "off"?, "last_interaction_days"?, "phone"?, "follows"?}]`: add or
  change people; -1 days: never wrote to the OA
- `POST /_sim/groups [{"group_id", "name", "members": [ids], "link"?, "status"?, "max_member"?, "valid_through"?,
  "owned"?, "bot_is_in"?}]`: add or change groups; an id `zgr-…` is an ordinary group with the bot in it
- `POST /_sim/reply {"sender", "message": n, "text", "chat"?}`: a person answers line n of the stage
- `POST /_sim/act {"user_id", "does": "follow"|"unfollow"|"withdraw"|"join"|"leave"|"photo"|"react", "group_id"?,
  "message"?, "url"?, "icon"?}`
- `POST /_sim/expire_tokens`: every access token so far is invalid
- `GET /_sim/people` → the people and groups
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulators.zalo import answers
from simulators.zalo.world import Group, Json, User

if TYPE_CHECKING:
    from simulators.zalo.server import ZaloSim

DAY_SECONDS = 86_400.0
NEVER_DAYS = -1
_USER = frozenset({"name", "on_mobile", "off", "phone", "follows"})
_GROUP = frozenset({"name", "members", "link", "status", "max_member", "valid_through", "owned", "bot_is_in"})


def control_routes(sim: ZaloSim) -> list[web.RouteDef]:
    async def webhook(request: web.Request) -> web.Response:
        return answers.json({"enabled": await sim.webhook.register((await request.json())["url"])})

    async def webhook_stands(_: web.Request) -> web.Response:
        hook = sim.webhook
        return answers.json(
            {"url": hook.url, "enabled": hook.enabled, "under_way": hook.under_way, "counts": dict(hook.counts)}
        )

    async def users(request: web.Request) -> web.Response:
        return _tried(lambda rows: [put_user(sim, row) for row in rows], await request.json())

    async def groups(request: web.Request) -> web.Response:
        return _tried(lambda rows: [put_group(sim, row) for row in rows], await request.json())

    async def reply(request: web.Request) -> web.Response:
        body = await request.json()
        line = sim.stage.find(int(body["message"]))
        if line is None:
            return answers.json({"error": "no such message"}, 404)
        chat = body.get("chat") or (line.address if line.group else None)
        return _tried(lambda b: sim.says(b["sender"], chat, b["text"], line), body)

    async def act(request: web.Request) -> web.Response:
        return _tried(lambda body: does(sim, body), await request.json())

    async def expire(_: web.Request) -> web.Response:
        sim.oauth.kill_access_tokens()
        return answers.json({"ok": True})

    async def people(_: web.Request) -> web.Response:
        shown = [{k: v for k, v in asdict_user(user).items()} for user in sim.world.users.values()]
        return answers.json({"users": shown, "groups": [asdict(group) for group in sim.world.groups.values()]})

    return [
        web.post("/_sim/webhook", webhook),
        web.get("/_sim/webhook", webhook_stands),
        web.post("/_sim/users", users),
        web.post("/_sim/groups", groups),
        web.post("/_sim/reply", reply),
        web.post("/_sim/act", act),
        web.post("/_sim/expire_tokens", expire),
        web.get("/_sim/people", people),
    ]


def put_user(sim: ZaloSim, row: Json) -> User:
    """Add or change one person. Switching a phone on lets what waited arrive."""
    user_id = str(row["user_id"])
    user = sim.world.users.get(user_id) or sim.add_user(user_id)
    for key, value in _known(row, _USER, {"user_id", "last_interaction_days"}).items():
        setattr(user, key, value)
    if "last_interaction_days" in row:
        days = float(row["last_interaction_days"])
        user.last_interaction = None if days == NEVER_DAYS else sim.world.now() - days * DAY_SECONDS
    if not user.off:
        sim.messages.wake(user)
    return user


def put_group(sim: ZaloSim, row: Json) -> Group:
    group_id = str(row["group_id"])
    group = sim.world.groups.get(group_id) or sim.add_group(group_id, group_id)
    for key, value in _known(row, _GROUP, {"group_id"}).items():
        setattr(group, key, value)
    return group


def does(sim: ZaloSim, body: Json) -> None:
    """One thing that a person does beside writing. Raises LookupError for what is not there."""
    user_id, what = str(body["user_id"]), str(body["does"])
    events, at = sim.messages.events, sim.world.stamp()
    if what in ("follow", "unfollow"):
        user = sim.world.users.get(user_id) or sim.add_user(user_id)
        user.follows = what == "follow"
        sim.webhook.send(events.follow(user_id, user.follows, at))
    elif what == "withdraw":
        sim.webhook.send(events.withdraw(user_id, at))
    elif what in ("join", "leave"):
        _moves(sim, user_id, str(body["group_id"]), what == "join")
    elif what == "photo":
        sim.says(user_id, body.get("group_id"), str(body.get("text", "")), photo=str(body["url"]))
    elif what == "react":
        line = sim.stage.find(int(body["message"]))
        if line is None:
            raise LookupError("no such message")
        sim.webhook.send(events.reaction(user_id, line.provider_id, str(body.get("icon", "/-strong")), at))
    else:
        raise ValueError(f"nobody can {what}")


def asdict_user(user: User) -> dict[str, Any]:
    return {
        "user_id": user.user_id,
        "name": user.name,
        "on_mobile": user.on_mobile,
        "off": user.off,
        "last_interaction": user.last_interaction,
        "follows": user.follows,
        "waiting": len(user.waiting),
    }


def _moves(sim: ZaloSim, user_id: str, group_id: str, joins: bool) -> None:
    group = sim.world.groups.get(group_id)
    if group is None or (user_id in group.members) == joins:
        raise LookupError(f"no group {group_id} that {user_id} could {'join' if joins else 'leave'}")
    if joins:
        group.members.append(user_id)
    else:
        group.members.remove(user_id)
    if group.owned:
        name = "user_join_group" if joins else "user_out_group"
        sim.webhook.send(sim.messages.events.group_life(name, group_id, [user_id], sim.world.stamp()))


def _known(row: Json, keys: frozenset[str], beside: set[str]) -> Json:
    if unknown := row.keys() - keys - beside:
        raise ValueError(f"no such key: {', '.join(sorted(unknown))}")
    return {key: row[key] for key in row.keys() & keys}


def _tried(act: Any, body: Any) -> web.Response:
    try:
        act(body)
    except LookupError as wrong:
        return answers.json({"error": str(wrong)}, 404)
    except ValueError as wrong:
        return answers.json({"error": str(wrong)}, 422)
    return answers.json({"ok": True})
