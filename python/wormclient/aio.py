"""A client for asyncio: any number of calls and waits at once, on one connection."""

import asyncio
import contextlib

from . import conditions
from .errors import Lost, NoDaemon, Protocol, Timeout, of_answer
from .methods import AsyncMethods
from .wire import API, BACKOFF, BACKOFF_MAX, Wire, check_greeting, connect, lost, merged, socket_path

PIECE = 1 << 16  # bytes that are read at once


class AsyncClient(AsyncMethods):
    """`async with AsyncClient() as client:`. With `reconnect`, waits go on when the daemon restarts; other calls get `Lost`."""

    def __init__(self, path=None, *, reconnect=False, name="python"):
        self.path = socket_path(path)
        self.reconnect = reconnect
        self.name = name
        self.reader = self.writer = self.wire = self.task = None
        self.answers = {}  # number of a request: the future that gets its answer
        self.waiters = {}  # an event of each wait: the session's id, or None while it is not known
        self.told = 0      # all waits have been told of all changes up to this number
        self.connecting = asyncio.Lock()

    async def __aenter__(self):
        await self._connect()
        return self

    async def __aexit__(self, *exception):
        await self.disconnect()

    async def disconnect(self):
        """Ends the connection; what the daemon does for its sessions goes on."""
        self.reconnect = False
        if self.task is not None:
            self.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.task

    # ---- the connection ----

    async def _connect(self):
        """Connects, unless somebody has done so meanwhile."""
        async with self.connecting:
            if self.task is not None and not self.task.done():
                return
            self.wire = Wire()
            self.reader, self.writer = await asyncio.open_unix_connection(sock=connect(self.path))
            self.task = asyncio.create_task(self._listen())
            check_greeting(await self._ask("hello", {"api": API, "client": self.name}))
            self.told = (await self._ask("subscribe", {}))["change"]

    async def _listen(self):
        """Takes what comes, until the connection ends: then all who wait for an answer hear of it."""
        why = lost()
        try:
            while data := await self.reader.read(PIECE):
                for number, what, result in self.wire.feed(data):
                    self._take(number, what, result)
        except OSError as error:
            why = lost(error)
        except Protocol as error:
            why = error
        finally:
            self.writer.close()
            answers, self.answers = self.answers, {}
            for answer in answers.values():
                if not answer.done():
                    answer.set_exception(why)
            for event in self.waiters:
                event.set()

    def _take(self, number, what, result):
        if number is None:
            self._tell(result["change"], result["session"])
            return
        answer = self.answers.pop(number, None)
        if answer is not None and not answer.done():
            answer.set_result((what, result))

    def _tell(self, change, session):
        anyone = merged(self.told, change, session)
        self.told = max(self.told, change)
        for event, watched in self.waiters.items():
            if anyone or watched in (None, session):
                event.set()

    async def _ask(self, method, params):
        if self.task is None or self.task.done():
            raise lost()
        number, data = self.wire.request(method, params)
        answer = self.answers[number] = asyncio.get_running_loop().create_future()
        self.writer.write(data)
        try:
            await self.writer.drain()
            error, result = await answer
        except OSError as error:
            raise lost(error) from error
        finally:
            self.answers.pop(number, None)
        if error is not None:
            raise of_answer(error)
        return result

    async def call(self, method, params=None):
        """The result of any method: for those that a newer daemon has and this package does not know."""
        if self.reconnect and (self.task is None or self.task.done()):
            await self._connect()
        return await self._ask(method, params or {})

    # ---- waiting ----

    async def wait(self, session, condition, timeout=None):
        """As Client.wait(), without `hold`; any number may wait at once."""
        try:
            return await asyncio.wait_for(self._wait(session, conditions.find(condition)), timeout)
        except asyncio.TimeoutError as error:
            raise Timeout("the time given ran out") from error

    async def _wait(self, session, condition):
        event = asyncio.Event()
        self.waiters[event] = None
        try:
            while True:
                event.clear()
                try:
                    view = await self.show(session)
                    session = self.waiters[event] = view["id"]  # another may come to match what the caller wrote
                    if conditions.check(condition, view):
                        return view
                    await event.wait()
                except (Lost, NoDaemon) as error:
                    await self._come_back(error)
        finally:
            del self.waiters[event]

    async def _come_back(self, why):
        """Connects again, as often as it takes."""
        if not self.reconnect:
            raise why
        pause = BACKOFF
        while True:
            await asyncio.sleep(pause)
            try:
                return await self._connect()
            except (Lost, NoDaemon):
                pause = min(2 * pause, BACKOFF_MAX)

    @contextlib.asynccontextmanager
    async def message(self, session, timeout=None):
        """As Client.message(): `async with client.message("bob") as data:`. One task at a time for each session: another one
        of the same client would get the same message.
        """
        while True:
            view = await self.wait(session, "message", timeout)
            taken = await self.recv(view["id"])
            if taken["number"] is not None:  # another client may have been faster
                break
        yield taken["data"]
        await self.ack(view["id"], taken["number"])
