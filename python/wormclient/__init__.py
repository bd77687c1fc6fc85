"""Magic Wormhole that does not forget, from Python: a client of wormholed, the daemon that keeps the sessions.

    from wormclient import Client

    with Client() as client:
        client.invite(name="bob")
        print("tell Bob this code:", client.wait("bob", "code")["code"])
        client.send("bob", b"Hello Bob!")
        with client.message("bob") as data:
            print("Bob says:", data.decode())

Each step may come days after the one before, from another program: the daemon keeps all. The methods, their parameters
and results are those of doc/ipc.md; times and durations in them are in milliseconds, as there. `timeout` of a wait is in
seconds, as everywhere in Python. AsyncClient is the same for asyncio.
"""

from .aio import AsyncClient
from .client import Client
from .conditions import CONDITIONS
from .errors import (Ambiguous, BadCode, Closed, Denied, Error, Failed, Imported, Lonely, Lost, NameTaken, NoDaemon,
                     NotClosed, NotFound, NotKeyed, Protocol, Refused, Store, Timeout, TooLarge, Unreachable, Unverified)
from .methods import View
from .wire import API, socket_path

__all__ = [
    "API", "CONDITIONS", "Ambiguous", "AsyncClient", "BadCode", "Client", "Closed", "Denied", "Error", "Failed", "Imported",
    "Lonely", "Lost", "NameTaken", "NoDaemon", "NotClosed", "NotFound", "NotKeyed", "Protocol", "Refused", "Store", "Timeout",
    "TooLarge", "Unreachable", "Unverified", "View", "socket_path",
]
