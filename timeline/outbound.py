"""The one way out: a request to another host, bounded in time and size, and only to an address that may be spoken to.

A name is resolved once, every address found is judged, and the connection goes to one of exactly these: a name that
answers differently the second time gains nothing. No redirect is followed: who follows one asks anew, and is judged
anew. Proxies named in the environment are not used, for they would resolve the name again.
"""

from __future__ import annotations

import io
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import quote, urlsplit

from timeline.core.errors import TimelineError

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Sequence[str]]
"""From a host's name and a port to its addresses as text; an OSError when there are none."""

# Special-purpose addresses by IANA's registries (RFC 6890 and what followed), written out: what the library calls
# global has changed between its versions.
_IPV4_CLOSED = tuple(
    ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/3"),
    )
)
# Of IPv6 only global unicast is open, but for protocol assignments (Teredo among them), documentation and 6to4. So
# loopback, link-local, unique local, multicast and the forms that carry an IPv4 address (mapped, NAT64) are not.
_IPV6_OPEN = ip_network("2000::/3")
_IPV6_CLOSED = tuple(map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))

_SCHEMES = {"http": 80, "https": 443}
_UNFIT = re.compile(r"[\x00-\x20\x7f\\]")
_SAFE = "/:?&=%!$'()*+,;@~[]"  # already meant as they stand in a path or a query
_CHUNK = 64 * 1024
_SHOWN = 200  # characters of an address in a refusal


def is_public(address: Address) -> bool:
    """Whether anyone on the Internet may be behind it: not this host, its network or its cloud's inner services."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _IPV4_CLOSED)
    return address in _IPV6_OPEN and not any(address in network for network in _IPV6_CLOSED)


def resolved(host: str, port: int) -> list[str]:
    """The addresses that the system knows for a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Gate:
    """Which addresses may be spoken to, and who turns names into addresses."""

    admits: Callable[[Address], bool] = is_public
    resolve: Resolver = resolved


PUBLIC = Gate()
"""For an address that a stranger may have written."""
ANYWHERE = Gate(admits=lambda _: True)
"""For an address from the operator's own settings, which may be inside their network."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status."""

    address: str
    status: int
    reason: str
    headers: Mapping[str, str]
    """Names in small letters; of one sent twice the values are joined by a comma."""
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Target:
    """An address as it is asked for."""

    shown: str
    scheme: str
    host: str
    """As it stands in the Host header and in a certificate: ASCII."""
    port: int
    path: str


def check(address: str, *, gate: Gate = PUBLIC, field: str | None = None) -> None:
    """Refuse an address that `send` would refuse; to say so when it is typed. `send` judges again.

    Raises:
        TimelineError: `address_refused`, or `address_unreachable` for a name that nobody knows.
    """
    _admitted(_target(address, field), gate, field)


def send(
    method: str,
    address: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    gate: Gate = PUBLIC,
    seconds: float = 10,
    limit: int = 1_000_000,
) -> Answer:
    """One request and its answer; any status is an answer, and a redirect is not followed.

    Args:
        seconds: For connecting, sending and reading together, however slowly the other side speaks. Only the system's
            own resolver keeps its own time.
        limit: The most bytes of the answer's body that are taken in.

    Raises:
        TimelineError: `address_refused` (nothing was sent), `address_unreachable`, or `too_large`.
    """
    target = _target(address, None)
    hosts = _admitted(target, gate, None)
    deadline = _Deadline(seconds)
    connection = HTTPConnection(target.host, target.port)
    connection.default_port = _SCHEMES[target.scheme]  # else Host is news.example:443, which some sites redirect
    said = {"User-Agent": "timeline", "Accept-Encoding": "identity", **(headers or {}), "Connection": "close"}
    try:
        with _connected(target, hosts, deadline) as line:
            connection.sock = _Bounded(line, deadline)
            connection.request(method, target.path, body, said)
            answer = connection.getresponse()
            content = _body(answer, target, limit)
    except (OSError, HTTPException, ValueError) as error:
        raise _unreachable(target, str(error) or type(error).__name__) from error
    names: dict[str, str] = {}
    for name, value in ((name.lower(), _shown(value)) for name, value in answer.getheaders()):
        names[name] = f"{names[name]}, {value}" if name in names else value
    return Answer(address, answer.status, _shown(answer.reason), names, content)


def _shown(text: str) -> str:
    """The text without what would steer the terminal on which it may be shown."""
    return "".join(filter(str.isprintable, text))


def _target(address: str, field: str | None) -> _Target:
    def wrong(why: str, remedy: str = "Write it as https://example.org/page.") -> TimelineError:
        return TimelineError("address_refused", f"{address[:_SHOWN]!r} {why}.", remedy, field=field)

    if _UNFIT.search(address):
        raise wrong("holds a character that no address has")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
        named = host if ":" in host else host.rstrip(".").encode("idna").decode()
    except ValueError as error:
        raise wrong("is no address") from error
    if parts.scheme not in _SCHEMES:
        raise wrong(
            "is not an address on the web",
            "Write it as https://example.org/page; only http:// and https:// are spoken.",
        )
    if "@" in parts.netloc:
        raise wrong("holds a name or a password", "Take out what stands before the @.")
    if not named or port == 0:
        raise wrong("names no host")
    path = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    return _Target(address, parts.scheme, named, port or _SCHEMES[parts.scheme], path)


def _admitted(target: _Target, gate: Gate, field: str | None) -> list[Address]:
    """The addresses of the target's host, of which none is closed."""
    try:
        found: list[Address] = [ip_address(target.host)]
    except ValueError:
        try:
            found = [ip_address(text.partition("%")[0]) for text in gate.resolve(target.host, target.port)]
        except (OSError, ValueError) as error:
            raise _unreachable(target, f"nobody knows the name {target.host}") from error
    if not found:
        raise _unreachable(target, f"nobody knows the name {target.host}")
    for address in found:
        if not gate.admits(address):
            raise TimelineError(
                "address_refused",
                f"{target.shown[:_SHOWN]} leads to {address}, which is not on the public Internet.",
                "Name a public address; what stands inside your network is not asked for from here.",
                field=field,
            )
    return found


def _connected(target: _Target, hosts: list[Address], deadline: _Deadline) -> socket.socket:
    """A connection to the first of `hosts` that takes one, encrypted for https and verified against the name."""
    trouble: OSError | None = None
    for host in hosts:
        family = socket.AF_INET if host.version == 4 else socket.AF_INET6
        line = socket.socket(family, socket.SOCK_STREAM)
        try:
            line.settimeout(deadline.left())
            line.connect((str(host), target.port))
            if target.scheme == "https":
                line.settimeout(deadline.left())
                line = ssl.create_default_context().wrap_socket(line, server_hostname=target.host)
            return line
        except OSError as error:
            line.close()
            trouble = error
    raise trouble or OSError("no address")


def _body(answer: HTTPResponse, target: _Target, limit: int) -> bytes:
    pieces, size = [], 0
    while piece := answer.read1(_CHUNK):
        size += len(piece)
        if size > limit:
            raise TimelineError(
                "too_large",
                f"{target.shown[:_SHOWN]} sends more than {limit / 1_000_000:g} MB; the rest was not read.",
                "Save the part that matters as a file, and name that.",
            )
        pieces.append(piece)
    if answer.length:
        raise HTTPException(f"the connection ended {answer.length} bytes too early")
    return b"".join(pieces)


def _unreachable(target: _Target, why: str) -> TimelineError:
    return TimelineError(
        "address_unreachable",
        f"{target.shown[:_SHOWN]} cannot be reached: {why}.",
        "Check the address, or try again later.",
    )


class _Deadline:
    """A moment by which all must be done."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """The seconds that are left; a TimeoutError when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


class _Bounded:
    """As much of a socket as an HTTP connection uses, with one deadline for all its reads and writes."""

    def __init__(self, line: socket.socket, deadline: _Deadline) -> None:
        self._line = line
        self._deadline = deadline

    def sendall(self, data: Any) -> None:
        self._line.settimeout(self._deadline.left())
        self._line.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"  # the only thing that an HTTP connection asks for
        return io.BufferedReader(_Incoming(self._line, self._deadline))

    def close(self) -> None:
        """Nothing: the connection calls it when the head is read, with the body still to come."""


class _Incoming(io.RawIOBase):
    def __init__(self, line: socket.socket, deadline: _Deadline) -> None:
        self._line = line
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._line.settimeout(self._deadline.left())
        return self._line.recv_into(buffer)
