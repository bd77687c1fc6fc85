#!/usr/bin/python3
"""The test vectors of doc/lasting.md, computed anew: without libsodium, and without our code.

`test-epoch-vectors.py --print` prints what tests/vectors/lasting.json should be.
"""
import hashlib
import hmac
import json
import os
import struct
import sys


# ---- what everybody has: HKDF, X25519, secretbox ----

def hkdf(ikm, info, length):
    prk = hmac.new(bytes(32), ikm, hashlib.sha256).digest()
    output, block, number = b"", b"", 1
    while len(output) < length:
        block = hmac.new(prk, block + info + bytes([number]), hashlib.sha256).digest()
        output, number = output + block, number + 1
    return output[:length]


P = 2 ** 255 - 19


def x25519(secret, u):
    k = bytearray(secret)
    k[0] &= 248
    k[31] = k[31] & 127 | 64
    k = int.from_bytes(k, "little")
    x1 = int.from_bytes(u, "little") & (2 ** 255 - 1)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a, b * b, d * a, c * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, x3, z2, z3 = x3, x2, z3, z2
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


BASE = b"\x09" + bytes(31)
CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")


def salsa_rounds(x):
    def quarter(a, b, c, d):
        for to, one, other, by in ((b, a, d, 7), (c, b, a, 9), (d, c, b, 13), (a, d, c, 18)):
            total = x[one] + x[other] & 0xffffffff
            x[to] ^= (total << by | total >> 32 - by) & 0xffffffff
    for _ in range(10):
        quarter(0, 4, 8, 12), quarter(5, 9, 13, 1), quarter(10, 14, 2, 6), quarter(15, 3, 7, 11)
        quarter(0, 1, 2, 3), quarter(5, 6, 7, 4), quarter(10, 11, 8, 9), quarter(15, 12, 13, 14)
    return x


def salsa_input(key, middle):
    k = struct.unpack("<8I", key)
    c = CONSTANTS
    return [c[0], *k[:4], c[1], *middle, c[2], *k[4:], c[3]]


def secretbox(key, nonce, plain):
    x = salsa_rounds(salsa_input(key, struct.unpack("<4I", nonce[:16])))
    inner = struct.pack("<8I", *(x[i] for i in (0, 5, 10, 15, 6, 7, 8, 9)))
    stream, block = b"", 0
    while len(stream) < 32 + len(plain):
        start = salsa_input(inner, struct.unpack("<2I", nonce[16:]) + (block & 0xffffffff, block >> 32))
        stream += struct.pack("<16I", *(a + b & 0xffffffff for a, b in zip(salsa_rounds(start[:]), start)))
        block += 1
    box = bytes(a ^ b for a, b in zip(plain, stream[32:]))
    r = int.from_bytes(stream[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    total = 0
    for at in range(0, len(box), 16):
        total = (total + int.from_bytes(box[at:at + 16] + b"\x01", "little")) * r % (2 ** 130 - 5)
    tag = (total + int.from_bytes(stream[16:32], "little")) % 2 ** 128
    return tag.to_bytes(16, "little") + box


# ---- doc/lasting.md ----

def sha256(data):
    return hashlib.sha256(data).digest()


def derive(key, purpose, length=32):
    return hkdf(key, purpose.encode(), length)


def first_root(key, appid, sides, secrets):
    publics = [x25519(secret, BASE) for secret in secrets]
    info = b"wormholed:lasting:root" + sha256(appid.encode())
    info += b"".join(sha256(side.encode()) for side in sides) + publics[0] + publics[1]
    return hkdf(key + x25519(secrets[0], publics[1]), info, 32)


def next_root(root, secrets):
    publics = [x25519(secret, BASE) for secret in secrets]
    info = b"wormholed:lasting:next" + publics[0] + publics[1]
    return hkdf(root + x25519(secrets[1], publics[0]), info, 32)


def base32(data):
    bits = "".join(f"{byte:08b}" for byte in data) + "0"
    return "".join("abcdefghijklmnopqrstuvwxyz234567"[int(bits[i:i + 5], 2)] for i in range(0, 65, 5))


def place(root, route):
    data = derive(derive(root, "wormholed:lasting:places"), f"wormholed:lasting:place:{route}", 18)
    a, b = data[8:13], data[13:18]
    if a == b:
        b = b[:4] + bytes([b[4] ^ 1])
    key = derive(derive(root, "wormholed:lasting:messages"), f"wormholed:lasting:place:{route}")
    return base32(data[:8]), [a.hex(), b.hex()], key


def labels(key, side):
    data = derive(key, f"wormholed:lasting:labels:{side}", 28)
    return int.from_bytes(data[:4], "big") & 0x7fffffff, data[4:]


def sealed(key, side, phase, nonce, plain):
    purpose = b"wormhole:phase:" + sha256(side.encode()) + sha256(phase.encode())
    return nonce + secretbox(hkdf(key, purpose, 32), nonce, plain)


# ---- the vectors ----

def secret(text):
    return sha256(b"wormholed test vector: " + text.encode())


def describe_place(root, route, by):
    mailbox, sides, key = place(root, route)
    shift, mask = labels(key, sides[by])
    nonce = secret("nonce")[:24]
    masked = bytes(a ^ b for a, b in zip(nonce, mask))
    plain = b"as ever"
    phase = str(7 + shift)
    return {
        "route": route, "mailbox": mailbox, "sides": sides, "message_key": key.hex(), "sealed_by": "AB"[by],
        "shift": shift, "mask": mask.hex(), "number": 7, "nonce": nonce.hex(), "plain": plain.decode(),
        "phase": phase, "body": sealed(key, sides[by], phase, masked, plain).hex(),
    }


def vectors():
    key, appid, sides = secret("session key"), "example.com/lasting", ["1f2e3d4c5b", "a0b1c2d3e4"]
    secrets = [secret("introduction of A"), secret("introduction of B")]
    epochs = []
    root = first_root(key, appid, sides, secrets)
    for epoch in range(3):
        next_secrets = [secret(f"next of A in {epoch}"), secret(f"next of B in {epoch}")]
        epochs.append({
            "root": root.hex(),
            "next_secrets": [s.hex() for s in next_secrets],
            "next_publics": [x25519(s, BASE).hex() for s in next_secrets],
            "places_key": derive(root, "wormholed:lasting:places").hex(),
            "places": [describe_place(root, route, (route + epoch) % 2) for route in (0, 1, 65535)],
        })
        root = next_root(root, next_secrets)
    return {
        "about": "doc/lasting.md; made by tests/unit/test-epoch-vectors.py --print",
        "key": key.hex(), "appid": appid, "sides": sides, "secrets": [s.hex() for s in secrets],
        "publics": [x25519(s, BASE).hex() for s in secrets], "epochs": epochs,
        "minutes": [{"day": day, "minute": int.from_bytes(derive(key, f"wormholed:lasting:minute:{day}", 2), "big") % 60}
                    for day in (0, 1, 20787, 20788, 1157407)],
    }


def judge(number, good, what):
    print(f"{'ok' if good else 'not ok'} {number} - {what}")


def main():
    if sys.argv[1:] == ["--print"]:
        print(json.dumps(vectors(), indent=1))
        return
    top = os.environ.get("abs_top_srcdir") or os.path.join(os.path.dirname(__file__), "..", "..")
    print("1..3")
    # RFC 7748, section 5.2; and a box that NaCl made.
    scalar = bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
    point = bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
    shared = "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
    judge(1, x25519(scalar, point).hex() == shared, "X25519 as in RFC 7748")
    with open(os.path.join(top, "tests", "vectors", "pake-and-keys.json")) as file:
        vector = json.load(file)["vectors"][0]
    box = vector["box"]
    body = sealed(bytes.fromhex(vector["key"]), box["side"], box["phase"], bytes.fromhex(box["nonce"]),
                  bytes.fromhex(box["plaintext"]))
    judge(2, body.hex() == box["body"], "a box as stock clients make it")
    with open(os.path.join(top, "tests", "vectors", "lasting.json")) as file:
        judge(3, json.load(file) == vectors(), "the committed vectors")


if __name__ == "__main__":
    main()
