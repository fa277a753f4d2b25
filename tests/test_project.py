"""Laws of the repository: who may import whom, what is locked, what an installed copy carries."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from bench.acts import announcement
from timeline.core.evidence import Found, find_quote

ROOT = Path(__file__).resolve().parents[1]


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files_below(folder: Path, ignored: str = "__pycache__") -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ignored not in path.parts
    }


def test_imports_point_down_and_the_core_knows_no_library() -> None:
    report = run(Path(sysconfig.get_path("scripts")) / "lint-imports", "--no-cache")

    assert "3 kept, 0 broken" in report


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_versions_and_hashes_and_no_place(lock) -> None:
    lines = (ROOT / lock).read_text().splitlines()

    demands = [line for line in lines if line and line[0] not in "# "]
    assert len(demands) > 20
    assert [line for line in demands if not re.match(r"[a-z0-9-]+==\S+ ", line)] == []
    assert [line for line in lines if "--hash=" not in line and line.startswith("    -")] == []
    assert [line for line in lines if re.search(r"://|index-url|find-links|trusted-host", line)] == []


def test_what_the_tests_run_on_is_what_the_service_runs_on() -> None:
    def demands(lock: str) -> set[str]:
        return {line for line in (ROOT / lock).read_text().splitlines() if line and line[0] not in "# "}

    assert demands("requirements.lock") <= demands("requirements-dev.lock")


def test_the_folder_of_migrations_does_not_hide_the_library() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()


@pytest.mark.slow
def test_a_wheel_built_from_the_sdist_carries_the_whole_package_and_the_migrations(tmp_path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as sdist:
        sdist.extractall(tmp_path, filter="data")
    unpacked = next(path for path in tmp_path.iterdir() if path.is_dir())
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=unpacked)

    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        carried = {name for name in wheel.namelist() if name.startswith("timeline/")}

    package = {f"timeline/{name}" for name in files_below(ROOT / "timeline")}
    migrations = {f"timeline/_migrations/{name}" for name in files_below(ROOT / "alembic")}
    example = {f"timeline/_example/{name}" for name in files_below(ROOT / "seeds" / "harbour-quill")}
    assert migrations
    assert example
    assert carried == package | migrations | example


def test_the_benchmark_measures_texts_that_differ() -> None:
    """Texts and quotes that came again would be answered from what is kept; each quote stands in its text."""
    made = [announcement(name, number) for name in ("one", "two") for number in range(300)]
    texts = [each["sources"][0]["text"] for each in made]
    quotes = [[statement["quote"] for statement in each["statements"]] for each in made]

    assert len({*texts}) == len(texts)
    assert len({quote for each in quotes[:300] for quote in each}) == 3 * 300
    assert all(isinstance(find_quote(q, text), Found) for text, of in zip(texts, quotes, strict=True) for q in of)
    assert announcement("one", 7) == made[7]
