"""A private certificate authority, and a TLS terminator before a relay."""

import datetime
import ipaddress
import os
import select
import socket
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .middle import shut

ONE_DAY = datetime.timedelta(days=1)


def named(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def write(path, *parts):
    with open(path, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(b"".join(parts))
    return path


class Authority:
    """`cafile` is its own certificate in PEM."""

    def __init__(self, world):
        self.world = world
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = named("Test authority")
        certificate = self.sign("Test authority", self.key, x509.BasicConstraints(ca=True, path_length=None))
        self.cafile = write(world.path(world.unique("ca") + ".pem"), certificate)

    def sign(self, name, key, *extensions, age=ONE_DAY, life=ONE_DAY):
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(named(name)).issuer_name(self.name)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - age).not_valid_after(now - age + life + ONE_DAY))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def issue(self, *hosts, age=ONE_DAY):
        """A PEM file with a key and a certificate for those host names and addresses; expired if `age` is large."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([general_name(host) for host in hosts])
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                   serialization.NoEncryption())
        path = self.world.path(self.world.unique("server") + ".pem")
        return write(path, secret, self.sign(hosts[0], key, names, age=age))

    def issue_to_itself(self, *hosts):
        """The same, signed with its own key: no authority vouches for it."""
        key, name = self.key, self.name
        self.key, self.name = ec.generate_private_key(ec.SECP256R1()), named(hosts[0])
        try:
            secret = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                            serialization.NoEncryption())
            names = x509.SubjectAlternativeName([general_name(host) for host in hosts])
            return write(self.world.path(self.world.unique("self-signed") + ".pem"), secret,
                         self.sign(hosts[0], self.key, names))
        finally:
            self.key, self.name = key, name


def general_name(host):
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


class Terminator:
    """Listens on loopback with the certificate, and carries what it decrypts to the relay."""

    def __init__(self, world, relay, certificate, newest=ssl.TLSVersion.TLSv1_3):
        self.relay_port = relay.port
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.context.minimum_version, self.context.maximum_version = ssl.TLSVersion.TLSv1, newest
        if newest < ssl.TLSVersion.TLSv1_2:
            self.context.set_ciphers("ALL:@SECLEVEL=0")  # what OpenSSL wants for versions that it thinks too old
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        world.finally_call(self.close)
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, host):
        return "wss://%s:%d/v1" % (host, self.port)

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # close() was called
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        """One connection. Both directions wait in one place: an SSL object is not for two threads."""
        try:
            with self.context.wrap_socket(client, server_side=True) as outside, \
                    socket.create_connection(("127.0.0.1", self.relay_port)) as inside:
                carry(outside, inside)
        except OSError:
            pass  # the client did not like the certificate, or one end has gone
        client.close()

    def close(self):
        shut(self.listener)
        self.listener.close()


def carry(outside, inside):
    while True:
        readable = [outside] if outside.pending() else select.select([outside, inside], [], [])[0]
        for source in readable:
            data = source.recv(1 << 16)
            if not data:
                return
            (inside if source is outside else outside).sendall(data)
