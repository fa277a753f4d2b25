"""The text of a PDF."""

from __future__ import annotations

import io
import logging

from timeline.intake.page import extra_missing, unreadable, without_text

_MAX_PAGES = 300
_MAX_CHARACTERS = 2_000_000


def text_of_pdf(data: bytes) -> tuple[str, str | None]:
    """Its text, pages apart by a blank line, and the title that it names.

    Raises:
        TimelineError: `unreadable_source` when it is encrypted or broken, `page_without_text` when it holds pictures
            only, `too_large`, `extra_missing`.
    """
    try:
        import pypdf  # noqa: PLC0415 - an extra, and slow to load
    except ImportError:
        raise extra_missing("A PDF") from None
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it makes of odd files is ours to say
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise unreadable("The PDF", "it is locked with a password")
        if len(reader.pages) > _MAX_PAGES:
            raise unreadable("The PDF", f"it has more than {_MAX_PAGES} pages")
        pages: list[str] = []
        for page in reader.pages:
            pages.append(page.extract_text().strip())
            if sum(map(len, pages)) > _MAX_CHARACTERS:
                raise unreadable("The PDF", f"it has more than {_MAX_CHARACTERS:,} characters")
        title = reader.metadata.title if reader.metadata else None
    except (
        pypdf.errors.PyPdfError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        RecursionError,
        OSError,
    ) as error:
        # The library raises whatever a broken file makes it stumble over.
        raise unreadable("The PDF", f"it is damaged ({type(error).__name__})") from error
    text = "\n\n".join(filter(None, pages))
    if not text:
        raise without_text("The PDF")
    return text, (str(title).strip() or None) if title else None
