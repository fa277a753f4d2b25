"""Who may do what: tokens, shown once and kept as hashes, and the sessions of people who signed in with one."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from timeline.chain import microseconds, moment
from timeline.core.dates import iso
from timeline.core.errors import TimelineError, did_you_mean
from timeline.log import Log
from timeline.tables import session, token

SCOPES = ("read", "draft", "append", "admin")
"""Each may do what those before it may."""
SESSION_LENGTH = timedelta(hours=12)
_PREFIX = "tl_"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,79}", re.ASCII)
_USE_IS_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Somebody whose token is known."""

    name: str
    scope: str

    def may(self, scope: str) -> bool:
        return SCOPES.index(self.scope) >= SCOPES.index(scope)


class Tokens:
    """The tokens of one database; safe to share between threads.

    Args:
        clock: Tells now, aware UTC.
    """

    def __init__(self, log: Log, clock: Callable[[], datetime]) -> None:
        self._log = log.primary  # a token or session just made, or just ended, counts at once
        self._clock = clock

    def new(self, name: str, scope: str) -> str:
        """The secret of a new token. It is not kept, so it cannot be shown again.

        Raises:
            TimelineError: `invalid_value` for a name that is taken or no name, or for another scope.
        """
        if not _NAME.fullmatch(name):
            raise TimelineError(
                "invalid_value",
                f"“{name[:80]}” cannot name a token.",
                "Take up to 80 letters, digits, dots, hyphens: who will use it, such as import-job.",
                field="name",
            )
        if scope not in SCOPES:
            raise TimelineError(
                "invalid_value", f"There is no scope “{scope}”.", did_you_mean(scope, SCOPES), field="scope"
            )
        secret = _PREFIX + secrets.token_urlsafe(32)
        row = {"name": name, "scope": scope, "sha256": _hash(secret), "created_at": microseconds(self._clock())}
        try:
            with self._log.writing() as writer:
                writer.connection.execute(insert(token), row)
        except IntegrityError as error:
            raise TimelineError(
                "invalid_value",
                f"There is a token called {name} already, perhaps a revoked one.",
                "Take another name.",
                field="name",
            ) from error
        return secret

    def list(self) -> list[dict[str, Any]]:
        """Every token by name: its scope and when it was made, last used (to the minute) and revoked; no secret."""
        with self._log.reading() as reader:
            rows = reader.connection.execute(select(token).order_by(token.c.name)).all()
        return [
            {
                "name": row.name,
                "scope": row.scope,
                "created_at": _shown(row.created_at),
                "last_used_at": _shown(row.last_used_at),
                "revoked_at": _shown(row.revoked_at),
            }
            for row in rows
        ]

    def revoke(self, name: str) -> None:
        """End a token and the sessions begun with it, at once and for ever; once revoked, again is harmless.

        Raises:
            TimelineError: `unknown_token`.
        """
        with self._log.writing() as writer:
            known = list(writer.connection.scalars(select(token.c.name).order_by(token.c.name)))
            if name not in known:
                raise TimelineError(
                    "unknown_token", f"There is no token “{name}”.", did_you_mean(name, known), field="name"
                )
            still = (token.c.name == name) & token.c.revoked_at.is_(None)
            writer.connection.execute(update(token).where(still).values(revoked_at=microseconds(self._clock())))
            writer.connection.execute(delete(session).where(session.c.token == name))

    def bearer(self, secret: str, scope: str = "append") -> Bearer:
        """Who shows this secret; that it was used is noted, to the minute.

        Args:
            scope: What the token is shown for: one that is not known is told to be made for that.

        Raises:
            TimelineError: `token_unknown`, also for a revoked one.
        """
        found = self._find(token.c.sha256 == _hash(secret))
        if found is None:
            raise TimelineError(
                "token_unknown",
                "The token is not known here, or was revoked.",
                f"Copy it whole, or make another with `timeline token new NAME --scope {scope}`.",
            )
        return found

    def sign_in(self, secret: str) -> str:
        """The secret of a new session for whoever holds the token; it lasts `SESSION_LENGTH`.

        Raises:
            TimelineError: `token_unknown`.
        """
        bearer = self.bearer(secret)
        begun, now = secrets.token_urlsafe(32), self._clock()
        with self._log.writing() as writer:
            writer.connection.execute(delete(session).where(session.c.expires_at <= microseconds(now)))
            row = {"sha256": _hash(begun), "token": bearer.name, "expires_at": microseconds(now + SESSION_LENGTH)}
            writer.connection.execute(insert(session), row)
        return begun

    def signed_in(self, begun: str) -> Bearer | None:
        """Who began this session; None when it is over."""
        now = microseconds(self._clock())
        here = select(session.c.token).where(session.c.sha256 == _hash(begun), session.c.expires_at > now)
        return self._find(token.c.name == here.scalar_subquery())

    def sign_out(self, begun: str) -> None:
        """End a session."""
        with self._log.writing() as writer:
            writer.connection.execute(delete(session).where(session.c.sha256 == _hash(begun)))

    def _find(self, which: Any) -> Bearer | None:
        with self._log.reading() as reader:
            row = reader.connection.execute(select(token).where(which, token.c.revoked_at.is_(None))).first()
        if row is None:
            return None
        now = self._clock()
        stale = microseconds(now - _USE_IS_NOTED_EVERY)
        if row.last_used_at is None or row.last_used_at < stale:
            unnoted = or_(token.c.last_used_at.is_(None), token.c.last_used_at < stale)
            # A record that cannot be written just now keeps nobody out.
            with suppress(TimelineError), self._log.writing() as writer:
                used = update(token).where(token.c.name == row.name, unnoted).values(last_used_at=microseconds(now))
                writer.connection.execute(used)
        return Bearer(row.name, row.scope)


def _hash(secret: str) -> str:
    """What is kept of a secret: 256 random bits need no salt and no slow hash."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def _shown(at: int | None) -> str | None:
    return None if at is None else iso(moment(at))
