"""The README and the tutorial cannot lie: their console sessions run, their announcement is accepted."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from timeline.cli import cli

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(("document", "count"), [("README.md", 7), ("docs/tutorial.md", 7)])
def test_every_example_gives_what_it_shows(
    document: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each `$` line runs; what follows it is its output, `…` standing for anything, alone on a line for any lines."""
    text = (ROOT / document).read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "seeds").symlink_to(ROOT / "seeds")
    for announcement in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        (tmp_path / "raise.yaml").write_text(announcement)

    sessions = re.findall(r"^\$ timeline (.*)\n((?:(?!\$ |```).*\n)*)", text, re.MULTILINE)

    assert len(sessions) == count
    for command, expected in sessions:
        shown = CliRunner(catch_exceptions=False).invoke(cli, shlex.split(command), prog_name="timeline").output
        found = "".join(f"{line.rstrip()}\n" for line in shown.splitlines())
        assert re.fullmatch(_pattern(expected), found), f"$ timeline {command}\n{found}"


def test_the_readme_stays_within_two_screens() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 110


def _pattern(expected: str) -> str:
    lines = expected.splitlines()
    return "".join(r"(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + r"\n" for line in lines)
