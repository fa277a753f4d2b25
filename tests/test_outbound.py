"""The way out: nothing inside a network is spoken to, and nobody on the other side can hold it up or fill it."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.loopback import served
from timeline import outbound
from timeline.core.errors import TimelineError
from timeline.outbound import Gate, check, is_public, send

LOOPBACK = Gate(admits=lambda address: address.is_loopback, resolve=lambda _host, _port: ["127.0.0.1"])


@contextmanager
def speaking(
    *said: bytes, pause: float = 0, context: ssl.SSLContext | None = None
) -> Iterator[tuple[int, list[bytes]]]:
    """A server that takes one request and answers with these bytes; its port, and what it was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            try:
                plain, _ = listening.accept()
                with context.wrap_socket(plain, server_side=True) if context else plain as line:
                    asked.append(line.recv(65536))
                    for piece in said:
                        line.sendall(piece)
                        time.sleep(pause)
            except OSError:  # the other side has gone, which is what several of these tests are about
                pass

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield listening.getsockname()[1], asked
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


CLOSED = """
127.0.0.1 0.0.0.0 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 192.0.0.8 198.18.0.1
224.0.0.1 240.0.0.1 255.255.255.255 ::1 :: fe80::1 fc00::1 fd00:ec2::254 ff02::1 fec0::1 ::ffff:127.0.0.1
::ffff:8.8.8.8 64:ff9b::7f00:1 64:ff9b:1::1 2002:7f00:1:: 2001::1 2001:db8::1 ::7f00:1 3fff::1 100::1
"""


@pytest.mark.parametrize("closed", CLOSED.split())
def test_no_address_inside_a_network_is_public(closed: str) -> None:
    assert not is_public(ipaddress.ip_address(closed))


@pytest.mark.parametrize(
    "public", ["8.8.8.8", "172.32.0.1", "100.128.0.1", "223.255.255.255", "2606:4700::1111", "2a00::1"]
)
def test_what_lies_beside_the_closed_networks_is_public(public: str) -> None:
    assert is_public(ipaddress.ip_address(public))


NO_ADDRESS = """ftp://example.org/|file:///etc/passwd|gopher://example.org|//example.org/|example.org||http://
|http://user:word@example.org/|http://exa mple.org/|http://example.org/\r\nHost: a|http://example.org\\@b/
|http://example.org:0/|http://example.org:99999/|http://[::1/|http://a..b/"""


@pytest.mark.parametrize("address", NO_ADDRESS.replace("\n|", "|").split("|"))
def test_what_is_no_web_address_is_refused_before_anything_is_asked(address: str) -> None:
    def never(host: str, port: int) -> list[str]:
        raise AssertionError((host, port))

    with pytest.raises(TimelineError) as refused:
        check(address, gate=Gate(resolve=never))

    assert refused.value.code == "address_refused"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "2130706433", "0x7f.1", "127.1", "localhost"]
)
def test_a_local_address_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(TimelineError) as refused:
        send("GET", f"http://{host}:9/")

    assert refused.value.code == "address_refused"


def test_a_name_with_one_address_inside_is_refused_whole() -> None:
    with pytest.raises(TimelineError) as refused:
        send("GET", "http://two.example/", gate=Gate(resolve=lambda _host, _port: ["93.184.216.34", "169.254.169.254"]))

    assert refused.value.code == "address_refused"
    assert "169.254.169.254" in refused.value.detail


def test_a_name_is_resolved_once_and_the_address_found_is_the_one_spoken_to() -> None:
    """A name that answers differently the second time (rebinding) is never asked a second time."""
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    asked: list[tuple[str, int]] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return answers.pop(0)

    with speaking(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as (port, heard):
        answer = send(
            "GET", f"http://news.example:{port}/a b?c=ü".replace(" ", "%20"), gate=Gate(LOOPBACK.admits, rebinding)
        )

    assert (answer.status, answer.body) == (200, b"hi")
    assert asked == [("news.example", port)]
    head = heard[0].decode().split("\r\n")
    assert (head[0], head[1]) == ("GET /a%20b?c=%C3%BC HTTP/1.1", f"Host: news.example:{port}")


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://news.example/", "news.example"),
        ("http://news.example/", "news.example"),
        ("http://news.example:443/", "news.example:443"),
        ("https://news.example:80/", "news.example:80"),
        ("https://[2606:4700::1111]/", "[2606:4700::1111]"),
    ],
)
def test_the_usual_port_of_a_scheme_is_not_said(monkeypatch: pytest.MonkeyPatch, address: str, host: str) -> None:
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(outbound, "_connected", lambda *_: ours)
    with theirs:
        theirs.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        send("GET", address, gate=Gate(admits=lambda _: True, resolve=LOOPBACK.resolve))

        assert theirs.recv(65536).decode().split("\r\n")[1] == f"Host: {host}"


def test_any_status_is_an_answer_and_a_redirect_is_not_followed() -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n"
    said = head + b"Set-Cookie: a\r\nSet-Cookie: b\r\n\r\n"
    with speaking(said) as (port, _):
        answer = send("POST", f"http://hook.example:{port}/", body=b"{}", gate=LOOPBACK)

    expected = {"location": "http://169.254.169.254/", "set-cookie": "a, b", "content-length": "0"}
    assert (answer.status, answer.headers, answer.body) == (302, expected, b"")


def test_what_would_steer_a_terminal_is_taken_out_of_the_head() -> None:
    said = b"HTTP/1.1 503 \x1b]0;gone\x07 \x9bbusy\r\nContent-Type: \x1b[2Jtext/plain\r\nContent-Length: 0\r\n\r\n"
    with speaking(said) as (port, _):
        answer = send("GET", f"http://hook.example:{port}/", gate=LOOPBACK)

    assert (answer.reason, answer.headers["content-type"]) == ("]0;gone busy", "[2Jtext/plain")


def test_a_body_over_the_limit_is_not_read_on() -> None:
    """Whether the length was named, left out, or in chunks: what comes after the limit stays unread."""

    async def endless(_scope: Any, _receive: Any, sending: Any) -> None:
        await sending({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(20):
            await sending({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})

    with served(endless) as (address, _), pytest.raises(TimelineError) as refused:
        send("GET", address, gate=LOOPBACK, limit=1_000_000)
    with speaking(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 2000) as (port, _), pytest.raises(TimelineError) as unnamed:
        send("GET", f"http://127.0.0.1:{port}/", gate=LOOPBACK, limit=1000)

    assert (refused.value.code, unnamed.value.code) == ("too_large", "too_large")


@pytest.mark.parametrize(
    "pieces",
    [(b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 99), (b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", *[b"x"] * 99)],
    ids=["headers", "body"],
)
def test_whoever_drips_is_left_when_the_time_is_over(pieces: tuple[bytes, ...]) -> None:
    """The time is for the whole exchange: a byte now and then does not prolong it."""
    with speaking(*pieces, pause=0.02) as (port, _), pytest.raises(TimelineError) as refused:
        send("GET", f"http://127.0.0.1:{port}/", gate=LOOPBACK, seconds=0.3)

    assert refused.value.code == "address_unreachable"


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000,
    ],
)
def test_a_broken_answer_is_trouble_with_a_remedy(said: bytes) -> None:
    with speaking(said) as (port, _), pytest.raises(TimelineError) as refused:
        send("GET", f"http://127.0.0.1:{port}/", gate=LOOPBACK)

    assert refused.value.code == "address_unreachable"


def test_a_name_that_nobody_knows_cannot_be_reached() -> None:
    def unknown(_host: str, _port: int) -> list[str]:
        raise socket.gaierror("unknown")

    def nowhere(_host: str, _port: int) -> list[str]:
        return []

    for resolver in (unknown, nowhere):
        with pytest.raises(TimelineError) as refused:
            check("https://nowhere.example/", gate=Gate(resolve=resolver))
        assert refused.value.code == "address_unreachable"


def test_an_encrypted_answer_counts_only_from_the_named_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate is held against the name that was typed, though the connection goes to an address."""
    certificate = _certificate(tmp_path, "right.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

    with speaking(said, context=context) as (port, _), pytest.raises(TimelineError) as unknown:
        send("GET", f"https://right.example:{port}/", gate=LOOPBACK)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with speaking(said, context=context) as (port, _), pytest.raises(TimelineError) as other:
        send("GET", f"https://wrong.example:{port}/", gate=LOOPBACK)
    with speaking(said, context=context) as (port, _):
        answer = send("GET", f"https://right.example:{port}/", gate=LOOPBACK)

    assert (unknown.value.code, other.value.code) == ("address_unreachable", "address_unreachable")
    assert answer.body == b"hi"


def _certificate(folder: Path, host: str) -> Path:
    """A certificate of our own for one name, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path
