"""The methods of the daemon, made from its own table by python/generate: not to be edited. doc/ipc.md explains each."""

from __future__ import annotations

from typing import Any, Optional, TypedDict


class View(TypedDict):
    """A session."""

    id: str
    name: Optional[str]
    appid: str
    relay: str
    state: str
    result: Optional[str]
    reason: Optional[str]
    code: Optional[str]
    nobody_there: bool
    nameplate: str
    verifier: Optional[str]
    verifier_words: Optional[str]
    verification: str
    app_versions: str
    peer_versions: Optional[str]
    created: int
    timeout: int
    expire: int
    deadline: Optional[int]
    schedule: str
    connection: str
    last_visit: Optional[int]
    next_visit: Optional[int]
    failures: int
    last_error: Optional[str]
    sent: int
    stored: int
    received: int
    unread: int
    delivered: Optional[int]
    read: Optional[int]
    inbox_messages: int
    inbox_bytes: int
    paused: bool
    leased: bool
    heals: int
    strangers: int
    unexpected: int
    copied: bool
    lasting: bool
    epoch: int
    closed_by_peer: bool
    expires: bool
    last_news: Optional[int]
    visit_bytes: int
    routes: str
    leaving: Optional[str]
    retention: str
    motd: Optional[str]
    relay_error: Optional[str]
    relay_down: bool
    relay_failure: Optional[str]
    change: int


class Methods:
    """To be inherited by what has a function `call(method, params)`."""

    def call(self, method: str, params: Optional[dict] = None) -> Any:
        raise NotImplementedError

    def status(self) -> dict:
        """{version, api, pid, started, state_dir, socket, config, config_error, default_relay, default_relay_from,
        proxy, proxy_from, cafile, sandbox, sessions, active, held, change, store_bytes, store_limit, store_health,
        store_error, relays}."""
        return self.call("status")

    def invite(self, *, code: Optional[str] = None, words: Optional[int] = None, name: Optional[str] = None,
               appid: Optional[str] = None, relay: Optional[str] = None, more_relays: Optional[str] = None,
               schedule: Optional[str] = None, timeout: Optional[int] = None, expire: Optional[int] = None,
               app_versions: Optional[str] = None, verify: Optional[bool] = None,
               inbox_messages: Optional[int] = None, inbox_bytes: Optional[int] = None, once: Optional[bool] = None,
               await_answer: Optional[bool] = None) -> View:
        """A view. Errors: name-taken, bad-code, store-full."""
        return self.call("invite", {"code": code, "words": words, "name": name, "appid": appid, "relay": relay,
                         "more_relays": more_relays, "schedule": schedule, "timeout": timeout, "expire": expire,
                         "app_versions": app_versions, "verify": verify, "inbox_messages": inbox_messages,
                         "inbox_bytes": inbox_bytes, "once": once, "await_answer": await_answer})

    def accept(self, code: str, *, name: Optional[str] = None, appid: Optional[str] = None,
               relay: Optional[str] = None, more_relays: Optional[str] = None, schedule: Optional[str] = None,
               timeout: Optional[int] = None, expire: Optional[int] = None, app_versions: Optional[str] = None,
               verify: Optional[bool] = None, inbox_messages: Optional[int] = None, inbox_bytes: Optional[int] = None,
               once: Optional[bool] = None, await_answer: Optional[bool] = None) -> View:
        """A view. Errors: name-taken, bad-code, store-full."""
        return self.call("accept", {"code": code, "name": name, "appid": appid, "relay": relay,
                         "more_relays": more_relays, "schedule": schedule, "timeout": timeout, "expire": expire,
                         "app_versions": app_versions, "verify": verify, "inbox_messages": inbox_messages,
                         "inbox_bytes": inbox_bytes, "once": once, "await_answer": await_answer})

    def list(self, *, after: Optional[str] = None, limit: Optional[int] = None) -> dict:
        """{sessions, next}."""
        return self.call("list", {"after": after, "limit": limit})

    def show(self, session: str) -> View:
        """A view. Errors: not-found, ambiguous."""
        return self.call("show", {"session": session})

    def log(self, session: str, *, limit: Optional[int] = None) -> dict:
        """{session, dropped, events}. Errors: not-found, ambiguous."""
        return self.call("log", {"session": session, "limit": limit})

    def send(self, session: str, data: bytes) -> dict:
        """{session, number}. Errors: not-found, ambiguous, closed, store-full."""
        return self.call("send", {"session": session, "data": data})

    def recv(self, session: str, *, from_: Optional[int] = None) -> dict:
        """{session, number, data}. Errors: not-found, ambiguous, unverified."""
        return self.call("recv", {"session": session, "from": from_})

    def ack(self, session: str, number: int) -> View:
        """A view. Errors: not-found, ambiguous, closed, unverified, store-full."""
        return self.call("ack", {"session": session, "number": number})

    def verify(self, session: str, ok: bool) -> View:
        """A view. Errors: not-found, ambiguous, closed, not-keyed, store-full."""
        return self.call("verify", {"session": session, "ok": ok})

    def derive_key(self, session: str, purpose: str, *, length: Optional[int] = None) -> dict:
        """{session, key}. Errors: not-found, ambiguous, closed, not-keyed, unverified."""
        return self.call("derive_key", {"session": session, "purpose": purpose, "length": length})

    def rename(self, session: str, *, name: Optional[str] = None) -> View:
        """A view. Errors: not-found, ambiguous, name-taken, store-full."""
        return self.call("rename", {"session": session, "name": name})

    def move(self, session: str, relays: str) -> View:
        """A view. Errors: not-found, ambiguous, closed, not-movable, store-full."""
        return self.call("move", {"session": session, "relays": relays})

    def export(self, session: str, *, done: Optional[bool] = None) -> dict:
        """{session, export}. Errors: not-found, ambiguous, not-exportable, store-full."""
        return self.call("export", {"session": session, "done": done})

    def import_(self, export: str, *, name: Optional[str] = None) -> View:
        """A view. Errors: name-taken, bad-code, bad-export, imported, store-full."""
        return self.call("import", {"export": export, "name": name})

    def close(self, session: str) -> View:
        """A view. Errors: not-found, ambiguous, closed, store-full."""
        return self.call("close", {"session": session})

    def forget(self, session: str, *, force: Optional[bool] = None) -> dict:
        """{session}. Errors: not-found, ambiguous, not-closed, store-full."""
        return self.call("forget", {"session": session, "force": force})

    def poll(self, session: str) -> View:
        """A view. Errors: not-found, ambiguous, closed, store-full."""
        return self.call("poll", {"session": session})

    def subscribe(self, *, session: Optional[str] = None, hold: Optional[bool] = None) -> dict:
        """{change}. Errors: not-found, ambiguous."""
        return self.call("subscribe", {"session": session, "hold": hold})

    def changes(self, since: int, *, limit: Optional[int] = None) -> dict:
        """{changes, change}."""
        return self.call("changes", {"since": since, "limit": limit})

    def backup(self, *, position: Optional[int] = None) -> dict:
        """{data, next}. Errors: no-backup."""
        return self.call("backup", {"position": position})

    def nameplates(self, *, appid: Optional[str] = None, relay: Optional[str] = None) -> dict:
        """{nameplates}. Errors: unreachable."""
        return self.call("nameplates", {"appid": appid, "relay": relay})

    def words(self) -> dict:
        """{words}."""
        return self.call("words")

    def api(self) -> dict:
        """{api, methods, errors, view}."""
        return self.call("api")


class AsyncMethods:
    """To be inherited by what has a function `call(method, params)`."""

    async def call(self, method: str, params: Optional[dict] = None) -> Any:
        raise NotImplementedError

    async def status(self) -> dict:
        """{version, api, pid, started, state_dir, socket, config, config_error, default_relay, default_relay_from,
        proxy, proxy_from, cafile, sandbox, sessions, active, held, change, store_bytes, store_limit, store_health,
        store_error, relays}."""
        return await self.call("status")

    async def invite(self, *, code: Optional[str] = None, words: Optional[int] = None, name: Optional[str] = None,
                     appid: Optional[str] = None, relay: Optional[str] = None, more_relays: Optional[str] = None,
                     schedule: Optional[str] = None, timeout: Optional[int] = None, expire: Optional[int] = None,
                     app_versions: Optional[str] = None, verify: Optional[bool] = None,
                     inbox_messages: Optional[int] = None, inbox_bytes: Optional[int] = None,
                     once: Optional[bool] = None, await_answer: Optional[bool] = None) -> View:
        """A view. Errors: name-taken, bad-code, store-full."""
        return await self.call("invite", {"code": code, "words": words, "name": name, "appid": appid, "relay": relay,
                               "more_relays": more_relays, "schedule": schedule, "timeout": timeout, "expire": expire,
                               "app_versions": app_versions, "verify": verify, "inbox_messages": inbox_messages,
                               "inbox_bytes": inbox_bytes, "once": once, "await_answer": await_answer})

    async def accept(self, code: str, *, name: Optional[str] = None, appid: Optional[str] = None,
                     relay: Optional[str] = None, more_relays: Optional[str] = None, schedule: Optional[str] = None,
                     timeout: Optional[int] = None, expire: Optional[int] = None, app_versions: Optional[str] = None,
                     verify: Optional[bool] = None, inbox_messages: Optional[int] = None,
                     inbox_bytes: Optional[int] = None, once: Optional[bool] = None,
                     await_answer: Optional[bool] = None) -> View:
        """A view. Errors: name-taken, bad-code, store-full."""
        return await self.call("accept", {"code": code, "name": name, "appid": appid, "relay": relay,
                               "more_relays": more_relays, "schedule": schedule, "timeout": timeout, "expire": expire,
                               "app_versions": app_versions, "verify": verify, "inbox_messages": inbox_messages,
                               "inbox_bytes": inbox_bytes, "once": once, "await_answer": await_answer})

    async def list(self, *, after: Optional[str] = None, limit: Optional[int] = None) -> dict:
        """{sessions, next}."""
        return await self.call("list", {"after": after, "limit": limit})

    async def show(self, session: str) -> View:
        """A view. Errors: not-found, ambiguous."""
        return await self.call("show", {"session": session})

    async def log(self, session: str, *, limit: Optional[int] = None) -> dict:
        """{session, dropped, events}. Errors: not-found, ambiguous."""
        return await self.call("log", {"session": session, "limit": limit})

    async def send(self, session: str, data: bytes) -> dict:
        """{session, number}. Errors: not-found, ambiguous, closed, store-full."""
        return await self.call("send", {"session": session, "data": data})

    async def recv(self, session: str, *, from_: Optional[int] = None) -> dict:
        """{session, number, data}. Errors: not-found, ambiguous, unverified."""
        return await self.call("recv", {"session": session, "from": from_})

    async def ack(self, session: str, number: int) -> View:
        """A view. Errors: not-found, ambiguous, closed, unverified, store-full."""
        return await self.call("ack", {"session": session, "number": number})

    async def verify(self, session: str, ok: bool) -> View:
        """A view. Errors: not-found, ambiguous, closed, not-keyed, store-full."""
        return await self.call("verify", {"session": session, "ok": ok})

    async def derive_key(self, session: str, purpose: str, *, length: Optional[int] = None) -> dict:
        """{session, key}. Errors: not-found, ambiguous, closed, not-keyed, unverified."""
        return await self.call("derive_key", {"session": session, "purpose": purpose, "length": length})

    async def rename(self, session: str, *, name: Optional[str] = None) -> View:
        """A view. Errors: not-found, ambiguous, name-taken, store-full."""
        return await self.call("rename", {"session": session, "name": name})

    async def move(self, session: str, relays: str) -> View:
        """A view. Errors: not-found, ambiguous, closed, not-movable, store-full."""
        return await self.call("move", {"session": session, "relays": relays})

    async def export(self, session: str, *, done: Optional[bool] = None) -> dict:
        """{session, export}. Errors: not-found, ambiguous, not-exportable, store-full."""
        return await self.call("export", {"session": session, "done": done})

    async def import_(self, export: str, *, name: Optional[str] = None) -> View:
        """A view. Errors: name-taken, bad-code, bad-export, imported, store-full."""
        return await self.call("import", {"export": export, "name": name})

    async def close(self, session: str) -> View:
        """A view. Errors: not-found, ambiguous, closed, store-full."""
        return await self.call("close", {"session": session})

    async def forget(self, session: str, *, force: Optional[bool] = None) -> dict:
        """{session}. Errors: not-found, ambiguous, not-closed, store-full."""
        return await self.call("forget", {"session": session, "force": force})

    async def poll(self, session: str) -> View:
        """A view. Errors: not-found, ambiguous, closed, store-full."""
        return await self.call("poll", {"session": session})

    async def changes(self, since: int, *, limit: Optional[int] = None) -> dict:
        """{changes, change}."""
        return await self.call("changes", {"since": since, "limit": limit})

    async def backup(self, *, position: Optional[int] = None) -> dict:
        """{data, next}. Errors: no-backup."""
        return await self.call("backup", {"position": position})

    async def nameplates(self, *, appid: Optional[str] = None, relay: Optional[str] = None) -> dict:
        """{nameplates}. Errors: unreachable."""
        return await self.call("nameplates", {"appid": appid, "relay": relay})

    async def words(self) -> dict:
        """{words}."""
        return await self.call("words")

    async def api(self) -> dict:
        """{api, methods, errors, view}."""
        return await self.call("api")
