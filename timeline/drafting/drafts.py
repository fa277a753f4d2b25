"""The use case: begin a draft, change it, see what would come of it, append it once, or discard it with a reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection

from timeline.answers import Answers
from timeline.chain import moment
from timeline.core.announcements import Announcement, Attachment, Correction, Source, check_address, reference
from timeline.core.dates import iso
from timeline.core.errors import TimelineError
from timeline.core.questions import day_named
from timeline.core.terms import Kinds
from timeline.documents import MAX_BYTES, Document, written
from timeline.drafting import store
from timeline.drafting.asking import ANSWERS, UNSURE, meant, questions, unanswered
from timeline.drafting.judging import only_document, problems, submission_of
from timeline.drafting.pages import of_page
from timeline.drafting.store import APPENDED, DISCARDED, Draft, Received
from timeline.intake import read
from timeline.log import Log
from timeline.submissions import Submission, Text, decoded, for_act, texts_apart

Json = dict[str, Any]
FULL, QUOTES = "full", "quotes"
"""What is kept of a source once a draft has ended: its whole text, or the quotes alone."""
_MAX_REASON = 1_000
_LISTED = ("id", "status", "revision", "title", "address", "reason")


class Record(Protocol):
    """Whoever takes acts in, such as `acts.Desk.append`."""

    def __call__(
        self,
        submission: Submission,
        *,
        expect: int | None = None,
        dry_run: bool = False,
        also: Callable[[Connection, Json], None] | None = None,
    ) -> Json: ...


@dataclass(frozen=True, slots=True)
class Drafts:
    """The drafts of one database; safe to share between threads if `record` is."""

    log: Log
    kinds: Kinds
    clock: Callable[[], datetime]
    record: Record
    answers: Answers
    """What the record has on the announcements that a draft may be another report of."""
    keep: str = FULL

    # -- beginning and changing --------------------------------------------------------------------------------

    def new(self, content: bytes, *, name: str, base: Path | None = None) -> Json:
        """A draft of an announcement file.

        Args:
            content: The file as it came in.
            name: What refusals call it; its ending tells YAML from JSON.
            base: The folder that a `text:` may name a file in; None: none may.

        Raises:
            TimelineError: when it cannot be read at all; what is merely unfinished is for `check`.
        """
        text = decoded(content, name=name, field=None)
        data, texts = _texts_apart(only_document(text, name), base)
        if texts:
            text = written(data)
        received = Received(sha256(content).hexdigest(), _media_type(name), len(content), content)
        return self._begin(received, text, data, texts)

    def new_page(
        self,
        content: bytes,
        *,
        name: str | None = None,
        media_type: str | None = None,
        address: str | None = None,
        retrieved_at: datetime | None = None,
        announced: str | None = None,
        partnership: str | None = None,
    ) -> Json:
        """A draft of a page as people receive it: the page is its source, and what it may say is proposed.

        Args:
            name: The file's; its ending tells what it is where `media_type` does not.
            address: Where the page was.
            retrieved_at: When it was fetched.
            announced: The day on which it was published, today and yesterday too; None: the page may say.
            partnership: The one that it is about; None: it is recognised by the parties that are named.

        Raises:
            TimelineError: as `intake.read`; `invalid_field` for an address that is none; `invalid_date`;
                `unknown_partnership`.
        """
        if address is not None:
            check_address(address, "leave it out", field="address")
        page = read(content, media_type=media_type, address=address, retrieved_at=retrieved_at, name=name)
        now = self.clock().astimezone(UTC)
        day = None if announced is None else day_named(announced, now)
        document, data, text = of_page(
            page, self.answers, self.kinds, now.date(), announced=day, partnership=partnership
        )
        received = Received(page.sha256, page.media_type, page.size, content, page.address, retrieved_at)
        return self._begin(received, document, data, [text])

    def save(self, number: int, text: str, *, expect: int | None = None) -> Json:
        """A new revision, whatever it says: nothing typed is lost because it is not finished.

        Args:
            expect: The revision that the change was made to.

        Raises:
            TimelineError: `unknown_draft`, `draft_closed`, `stale_draft`; `too_large`; `control_character` for a
                character that no database keeps.
        """
        if len(text.encode()) > MAX_BYTES:
            raise TimelineError(
                "too_large",
                f"The document is larger than {MAX_BYTES // 1_000_000} MB.",
                "Keep long texts out of it.",
                limit_bytes=MAX_BYTES,
            )
        if "\0" in text:
            raise TimelineError("control_character", "The document holds a null byte.", "Take it out and save again.")
        texts: Sequence[Text] = ()
        title = None
        try:
            data, texts = _texts_apart(only_document(text, f"draft {number}"))
        except TimelineError:
            pass  # it is kept as it is; `check` says what is wrong with it
        else:
            title = _title(data)
            text = written(data) if texts else text
        with self.log.writing() as writer:
            before = store.find(writer.connection, number)
            if text != before.document or before.status != store.OPEN:
                store.save(writer.connection, before, text, title, texts, self.clock(), expect=expect)
            return shown(store.find(writer.connection, number))

    def discard(self, number: int, why: str) -> Json:
        """End a draft without recording anything; again with another reason changes nothing.

        Raises:
            TimelineError: `unknown_draft`, `missing_field` for no reason, `draft_closed` for one that was appended.
        """
        reason = why.replace("\0", "").strip()[:_MAX_REASON]
        if not reason:
            raise TimelineError(
                "missing_field", "There is no reason.", "Say why it is not to be recorded.", field="why"
            )
        with self.log.writing() as writer:
            found = store.find(writer.connection, number)
            if found.status != DISCARDED:
                store.still_open(found)
                store.close(writer.connection, found, DISCARDED, self.clock(), reason=reason, erase=self.keep == QUOTES)
            return shown(store.find(writer.connection, number))

    def answer(self, number: int, about: str, said: str) -> Json:
        """Answer whether the draft is another report of an announcement; the draft's check after that.

        Args:
            about: The announcement, as openai-microsoft/3.
            said: `attach` (another report of it), `new` (something else), or `unsure` (stays in review).

        Raises:
            TimelineError: `unknown_draft`, `draft_closed`, `invalid_value`, `unknown_announcement`.
        """
        if said not in ANSWERS:
            raise TimelineError(
                "invalid_value",
                f"“{said[:80]}” is no answer.",
                "Answer attach (another report of it), new (something else) or unsure (it stays in review).",
                field="answer",
            )
        self.answers.announcement(*reference(about, field="of"))
        with self.log.writing() as writer:
            store.answer(writer.connection, store.find(writer.connection, number), about, said, self.clock())
        return self.check(number)

    # -- looking -----------------------------------------------------------------------------------------------

    def listed(self, *, closed: bool = False) -> Json:
        """The open drafts, newest change first; all of them with `closed`."""
        with self.log.reading() as reader:
            rows = store.every(reader.connection, closed=closed)
        return {
            "drafts": [
                {name: getattr(row, name) for name in _LISTED} | {"updated_at": iso(moment(row.updated_at))}
                for row in rows
            ]
        }

    def show(self, number: int, *, revision: int | None = None) -> Json:
        """A draft, at its newest revision or at an earlier one."""
        with self.log.reading() as reader:
            found = store.find(reader.connection, number)
            if revision is not None:
                found = replace(found, document=store.revision(reader.connection, number, revision))
        return shown(found) | ({} if revision is None else {"revision": revision})

    def find(self, number: int) -> Draft:
        """The draft itself, with what came in and the texts."""
        with self.log.reading() as reader:
            return store.find(reader.connection, number)

    def check(self, number: int) -> Json:
        """The mirror of append: what still blocks, what would change, which entries it would publish."""
        return self._judged(self.find(number))

    # -- ending ------------------------------------------------------------------------------------------------

    def append(self, number: int, *, expect: int | None = None, attempts: int = 5) -> Json:
        """Record what the draft says; the receipt. Of a draft that was appended before, its receipt again.

        The act and the end of the draft are one transaction: a kill leaves it open, or appended with its receipt.

        Args:
            expect: The revision that was looked at.
            attempts: How often to judge it anew when the partnership's record moves on meanwhile.

        Raises:
            TimelineError: `draft_blocked` with everything that blocks; `stale_draft`; `draft_closed` when discarded.
        """
        found = self.find(number)
        if found.receipt is not None:
            return found.receipt
        store.still_open(found)
        if expect is not None and expect != found.revision:
            raise TimelineError(
                "stale_draft",
                f"Draft {number} has moved on: you looked at revision {expect}, it is at {found.revision}.",
                "Look at it again, then append it.",
                revision=found.revision,
            )
        judged = self._judged(found)
        if judged["blocks"]:
            first = judged["blocks"][0]
            more = f" {len(judged['blocks']) - 1} more." if len(judged["blocks"]) > 1 else ""
            raise TimelineError(
                "draft_blocked",
                f"Draft {number} cannot be appended yet: {first['detail']}{more}",
                f"{first['remedy']} `timeline draft check {number}` shows all of it.",
                blocks=judged["blocks"],
            )

        def settle(connection: Connection, receipt: Json) -> None:
            erase = self.keep == QUOTES
            store.close(connection, found, APPENDED, self.clock(), receipt=receipt | {"draft": number}, erase=erase)

        document = meant(self.answers, found, only_document(found.document, f"draft {number}"))
        follows = judged["would"]["follows"]
        try:
            receipt = self.record(
                self._submission(found, document),
                # What was judged is what is recorded: whatever came between is judged first.
                expect=None if follows is None or judged["would"]["replayed"] else int(follows.rpartition("@")[2]),
                also=settle,
            )
        except TimelineError as error:
            now = self.find(number)
            if now.receipt is not None:
                return now.receipt  # somebody appended the same draft meanwhile
            if error.code == "stale_expectation" and attempts > 1:
                return self.append(number, expect=expect, attempts=attempts - 1)
            raise
        return receipt | {"draft": number}

    # -- within ------------------------------------------------------------------------------------------------

    def _begin(self, received: Received, text: str, data: Json, texts: Sequence[Text]) -> Json:
        with self.log.writing() as writer:
            writer.hold()
            number = store.add(writer.connection, received, text, _title(data), texts, self.clock())
            return shown(store.find(writer.connection, number))

    def _judged(self, found: Draft) -> Json:
        body: Json = {
            "id": found.id,
            "status": found.status,
            "revision": found.revision,
            "ready": False,
            "blocks": [],
            "questions": [],
            "would": found.receipt,
        }
        if found.status != store.OPEN:
            return body
        blocks: list[TimelineError] = []
        try:
            document = only_document(found.document, f"draft {found.id}")
            body["questions"] = questions(self.log, self.answers, found, document)
            document = meant(self.answers, found, document)
            blocks = problems(document, self.kinds, found.texts)
            if not blocks:
                body["would"] = self.record(self._submission(found, document), dry_run=True)
        except TimelineError as error:
            blocks = [error]
        if body["would"] is not None and body["would"]["replayed"]:
            body["questions"] = []  # it is recorded already, so nothing is left to ask
        blocks += [unanswered(each) for each in body["questions"] if each["answer"] in (None, UNSURE)]
        body["blocks"] = [_block(each) for each in blocks]
        return body | {"ready": not blocks}

    def _submission(self, found: Draft, document: Document) -> Submission:
        """What is to be recorded; where only quotes are kept, its sources name no text."""
        made = submission_of(document, self.kinds, found.texts)
        if self.keep == FULL:
            return made
        match made.act:
            case Announcement() | Attachment():
                made = for_act(made, replace(made.act, sources=_without_texts(made.act.sources, made)))
            case Correction():
                content = replace(made.act.content, sources=_without_texts(made.act.content.sources, made))
                made = for_act(made, replace(made.act, content=content))
        return replace(made, texts={})


def shown(found: Draft) -> Json:
    """A draft as data."""
    received = found.received
    return {
        "id": found.id,
        "status": found.status,
        "revision": found.revision,
        "title": found.title,
        "created_at": iso(found.created_at),
        "updated_at": iso(found.updated_at),
        "received": {
            "sha256": received.sha256,
            "media_type": received.media_type,
            "size": received.size,
            "address": received.address,
            "retrieved_at": None if received.retrieved_at is None else iso(received.retrieved_at),
            "kept": received.content is not None,
        },
        "answers": dict(found.answers),
        "texts": [{"sha256": each.sha256, "media_type": each.media_type} for each in found.texts.values()],
        "document": found.document,
        "receipt": found.receipt,
        "reason": found.reason,
    }


def _texts_apart(document: Document, base: Path | None = None) -> tuple[Json, Sequence[Text]]:
    """The document's data, and apart from it the texts of its sources, which it then names by their sha256.

    Raises:
        TimelineError: as `submissions.texts_apart`.
    """
    sources = document.data.get("sources")
    if not isinstance(sources, list):
        return document.data, ()
    kept, texts = texts_apart(sources, base)
    return {**document.data, "sources": kept}, tuple(texts.values())


def _title(data: Json) -> str | None:
    title = data.get("title")
    return title[:300] if isinstance(title, str) else None


def _media_type(name: str) -> str:
    return "application/json" if name.endswith((".json", ".ndjson")) else "application/yaml"


def _without_texts(sources: Sequence[Source], made: Submission) -> tuple[Source, ...]:
    """The sources, no longer naming texts that came with them; what the record has stays named."""
    return tuple(
        replace(source, text_sha256=None) if source.text_sha256 in made.texts else source for source in sources
    )


def _block(error: TimelineError) -> Json:
    body = error.problem()
    return {name: body[name] for name in ("code", "detail", "remedy", "field", "line", "closest") if name in body}
