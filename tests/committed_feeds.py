"""Builds `feeds/`, the site that the seeds give on a fixed day: `make feeds`, after seeds or formats changed."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from timeline.acts import Desk
from timeline.core.terms import BUILTIN
from timeline.documents import walk
from timeline.log import Log
from timeline.publishing import Published, publish, settled_day
from timeline.settings import load

ROOT = Path(__file__).parent.parent
FEEDS = ROOT / "feeds"
RECORDED_AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def build(out: Path) -> Published:
    """Publish the seeds into `out`, as if they had been imported at that moment."""
    with tempfile.TemporaryDirectory() as folder:
        log = Log.open(f"sqlite:///{folder}/record.db", clock=lambda: RECORDED_AT)
        log.migrate()
        Desk(log, BUILTIN, lambda: RECORDED_AT).import_files(walk([ROOT / "seeds"]))
        done = publish(log, BUILTIN, load({}, {}), settled_day(RECORDED_AT), out)
        log.close()
    return done


def main() -> None:
    """Replace what is committed."""
    shutil.rmtree(FEEDS, ignore_errors=True)
    build(FEEDS)


if __name__ == "__main__":
    main()
