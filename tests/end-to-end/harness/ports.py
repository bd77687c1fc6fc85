"""Ports that stay ours while nobody listens on them."""

import socket


def hold(world):
    """A port on loopback that the kernel picked, until the test ends.

    A relay that comes back to its port would otherwise, now and then, find another test's connection on it. Who is bound
    and does not listen is in nobody's way who says SO_REUSEADDR, as servers do.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    world.finally_call(holder.close)
    return holder.getsockname()[1]
