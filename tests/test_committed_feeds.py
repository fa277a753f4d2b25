"""The feeds in the repository are what its seeds give."""

from __future__ import annotations

from pathlib import Path

from tests.committed_feeds import FEEDS, build


def files(folder: Path) -> dict[str, bytes]:
    """Every published file; what begins with a dot is the publisher's own."""
    found = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {str(name): path.read_bytes() for name, path in found.items() if not name.parts[0].startswith(".")}


def test_the_committed_feeds_are_what_the_seeds_give(tmp_path: Path) -> None:
    """Byte for byte, on a fixed day; `make feeds` builds them anew."""
    build(tmp_path)

    assert files(tmp_path) == files(FEEDS)


def test_publishing_the_same_log_again_writes_nothing(tmp_path: Path) -> None:
    """Law 10, for the folder: another database with the same record changes no byte of it."""
    first = build(tmp_path)

    assert (first.written > 0, build(tmp_path).written) == (True, 0)
