#!/usr/bin/python3
"""Runs the stock Magic Wormhole relay of Debian (python3-magic-wormhole-mailbox-server) on loopback.

Prints `ws://127.0.0.1:PORT/v1` once it listens, and serves until SIGTERM. With the same --port and --db it comes
back as the relay that it was. Its clock constants can be shortened, so that minutes of forgetting fit into a test. At each
SIGUSR1 it checks at once, as if one more hour had gone by.
"""

import argparse
import itertools
import signal
import sys
import time

from twisted.internet import reactor, task
from twisted.python import log
from wormhole_mailbox_server import server_tap
from wormhole_mailbox_server.database import create_or_upgrade_channel_db
from wormhole_mailbox_server.increase_rlimits import increase_rlimits
from wormhole_mailbox_server.server import make_server
from wormhole_mailbox_server.web import make_web_server


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="TCP port of 127.0.0.1 (default: one that the kernel chooses)")
    parser.add_argument("--db", default=":memory:", help="SQLite file that survives a restart (default: memory only)")
    parser.add_argument("--expiration", type=float, default=server_tap.CHANNEL_EXPIRATION_TIME, metavar="SECONDS",
                        help="forget a mailbox this long after its last activity (default: %(default)g)")
    parser.add_argument("--check", type=float, default=server_tap.EXPIRATION_CHECK_PERIOD, metavar="SECONDS",
                        help="look for old mailboxes this often, and at the start (default: %(default)g)")
    parser.add_argument("--motd", help="message of the day in the welcome")
    parser.add_argument("--error", help="error in the welcome: clients are to go away")
    parser.add_argument("--no-fsync", action="store_true", help="survive a kill, but not a power cut: faster")
    parser.add_argument("--verbose", action="store_true", help="the relay's own log on standard error")
    return parser.parse_args()


HOUR = 3600  # seconds


def prune(server, expiration, ahead=0):
    """What server_tap.makeService() does at every check."""
    now = time.time() + ahead
    try:
        server.prune_all_apps(now, now - expiration)
    except Exception:  # as stock: one failure must not end the loop
        log.err()


def main():
    arguments = parse_arguments()
    if arguments.verbose:
        log.startLogging(sys.stderr, setStdout=False)
    increase_rlimits()
    database = create_or_upgrade_channel_db(arguments.db)
    if arguments.no_fsync:
        database.execute("PRAGMA synchronous = OFF")
    server = make_server(database, signal_error=arguments.error)
    if arguments.motd is not None:
        server.get_welcome()["motd"] = arguments.motd
    server.startService()
    reactor.addSystemEventTrigger("before", "shutdown", server.stopService)
    task.LoopingCall(prune, server, arguments.expiration).start(arguments.check)
    # Each time later than before: a listener that was there then has made its mailbox as young as that.
    hours = itertools.count(HOUR, HOUR)
    signal.signal(signal.SIGUSR1,
                  lambda number, frame: reactor.callFromThread(prune, server, arguments.expiration, next(hours)))
    site = make_web_server(server, log_requests=False)
    port = reactor.listenTCP(arguments.port, site, backlog=512, interface="127.0.0.1")
    print("ws://127.0.0.1:%d/v1" % port.getHost().port, flush=True)
    reactor.run()


if __name__ == "__main__":
    main()
