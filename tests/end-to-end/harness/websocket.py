"""WebSocket frames (RFC 6455), as little as a test needs: a client, and a reader of passing frames."""

import base64
import os
import socket
import struct
import time

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FINAL, MASKED = 0x80, 0x80


class Closed(Exception):
    """The other end has gone."""


def mask(data, key):
    """XOR with the 4-byte key, repeated. As one big number: messages have megabytes."""
    stream = (key * (len(data) // 4 + 1))[:len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")


def header(kind, length, masked):
    if length < 126:
        return struct.pack("!BB", FINAL | kind, masked | length)
    if length < 65536:
        return struct.pack("!BBH", FINAL | kind, masked | 126, length)
    return struct.pack("!BBQ", FINAL | kind, masked | 127, length)


def encode(kind, data):
    """A masked frame, as clients send them."""
    key = os.urandom(4)
    return header(kind, len(data), MASKED) + key + mask(data, key)


def encode_plain(kind, data):
    """A frame as servers send them."""
    return header(kind, len(data), 0) + data


def decode(buffer):
    """(kind, final, data, bytes used) of the first frame in the buffer; None if it is not whole yet."""
    if len(buffer) < 2:
        return None
    length, at = buffer[1] & 0x7f, 2
    if length >= 126:
        size = 2 if length == 126 else 8
        if len(buffer) < at + size:
            return None
        length, at = int.from_bytes(buffer[at:at + size], "big"), at + size
    key = b""
    if buffer[1] & MASKED:
        key, at = bytes(buffer[at:at + 4]), at + 4
    if len(buffer) < at + length:
        return None
    data = bytes(buffer[at:at + length])
    return buffer[0] & 0x0f, bool(buffer[0] & FINAL), mask(data, key) if key else data, at + length


def connect(port, seconds, source=None, receive_buffer=None, host="127.0.0.1"):
    """A TCP connection, from the address `source` and with so small a buffer for what comes."""
    client = socket.socket()
    client.settimeout(seconds)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    if source:
        client.bind((source, 0))
    client.connect((host, port))
    return client


class WebSocket:
    """A client that waits for what it wants."""

    def __init__(self, port, seconds, **options):
        """The options are those of connect()."""
        self.socket = connect(port, seconds, **options)
        self.buffer = bytearray()
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(("GET /v1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n" % (port, key)).encode())
        self.skip_handshake(time.monotonic() + seconds)

    def skip_handshake(self, end):
        while b"\r\n\r\n" not in self.buffer:
            self.fill(end)
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        if b" 101 " not in head.splitlines()[0]:
            raise AssertionError("no WebSocket: %r" % head)
        self.buffer = bytearray(rest)

    def fill(self, end):
        self.socket.settimeout(max(0.001, end - time.monotonic()))
        try:
            data = self.socket.recv(1 << 16)
        except (ConnectionError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            data = b""
        if not data:
            raise Closed("the relay closed the connection")
        self.buffer += data

    def send(self, text):
        try:
            self.socket.sendall(encode(TEXT, text.encode()))
        except (ConnectionError, OSError):
            raise Closed("the relay closed the connection") from None

    def receive(self, seconds):
        """The next message as text; TimeoutError if none comes in time."""
        end = time.monotonic() + seconds
        whole = b""
        while True:
            frame = decode(self.buffer)
            if frame is None:
                self.fill(end)
                continue
            kind, final, data, used = frame
            del self.buffer[:used]
            if kind == PING:
                self.socket.sendall(encode(PONG, data))
            elif kind == CLOSE:
                raise Closed("the relay closed the connection")
            elif kind in (TEXT, BINARY, CONTINUATION):
                whole += data
                if final:
                    return whole.decode()

    def close(self):
        """The relay hears of it at once, even if a thread is waiting for the next message here."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is gone already
        self.socket.close()
