"""Laws of the settings: which one wins, what each may be, and that no password is shown."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from timeline.core.errors import TimelineError
from timeline.settings import Settings, load
from timeline.settings.values import masked

SECRET = "postgresql+psycopg://timeline:s3cr3t@db/timeline"  # noqa: S105 - the point of the test


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(text: str, name: str = "timeline.toml") -> Path:
    path = Path(name)
    path.write_text(text)
    return path


def _shown(settings: Settings, wanted: str) -> str:
    return next(value for name, value, _ in settings.shown() if name == wanted)


def refusal(flags=None, environ=None, config=None) -> TimelineError:
    with pytest.raises(TimelineError) as caught:
        load(flags or {}, environ or {}, config=config)
    assert caught.value.code == "invalid_configuration"
    return caught.value


def test_without_anything_set_every_value_is_the_documented_default() -> None:
    settings = load({}, {})

    assert settings.shown() == [
        ("database_url", "sqlite:///timeline.db", "default"),
        ("read_database_url", "", "default"),
        ("feeds_dir", "feeds", "default"),
        ("base_url", "http://127.0.0.1:8000", "default"),
        ("tag_authority", "timeline.invalid,2026", "default"),
        ("host", "127.0.0.1", "default"),
        ("port", "8000", "default"),
        ("publish_every", "15m", "default"),
        ("head_entries", "50", "default"),
        ("reads", "public", "default"),
        ("rate_limit", "3000", "default"),
        ("hub_url", "", "default"),
        ("calendar_alarms", "none", "default"),
        ("keep_texts", "full", "default"),
        ("agents", "off", "default"),
    ]


def test_flags_overrule_the_environment_which_overrules_the_file() -> None:
    written('port = 1\nhost = "file"\nhead_entries = 20\n')

    settings = load({"port": 3, "host": None}, {"TIMELINE_PORT": "2", "TIMELINE_HOST": "env", "HOME": "x"})

    assert (settings.port, settings.host, settings.head_entries) == (3, "env", 20)
    assert [settings.origins[name] for name in ("port", "host", "head_entries", "feeds_dir")] == [
        "--port",
        "TIMELINE_HOST",
        "timeline.toml",
        "default",
    ]


def test_a_named_file_is_read_instead_of_the_one_in_the_folder() -> None:
    written("port = 1\n")

    settings = load({}, {}, config=written("port = 2\n", "other.toml"))

    assert (settings.port, settings.origins["port"]) == (2, "other.toml")


def test_an_address_nobody_gave_follows_the_port() -> None:
    assert load({"port": 9000}, {}).base_url == "http://127.0.0.1:9000"


def test_a_misspelt_setting_is_refused_with_the_nearest_one() -> None:
    written("prot = 8000\n")
    assert refusal().remedy == "Did you mean port?"

    written("")
    assert refusal(environ={"TIMELINE_FEED_DIR": "x"}).remedy == "Did you mean TIMELINE_FEEDS_DIR?"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("port = true\n", "neither text nor a whole number"),
        ("head_entries = 50.0\n", "neither text nor a whole number"),
        ("[server]\nport = 1\n", "no setting server"),
        ("port = \n", "line 1"),
    ],
)
def test_a_file_that_says_something_else_is_refused(text, words) -> None:
    written(text)

    assert words in refusal().detail


def test_a_file_that_cannot_be_read_is_refused() -> None:
    assert "cannot be read" in refusal(config=Path("none.toml")).detail

    Path("timeline.toml").write_bytes(b"port = 1 # \xff")
    assert "not UTF-8" in refusal().detail


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1s", timedelta(seconds=1)),
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("1h", timedelta(hours=1)),
        ("2d", timedelta(days=2)),
    ],
)
def test_a_duration_is_a_number_and_a_unit_and_is_shown_as_it_was_written(text, value) -> None:
    settings = load({"publish_every": text}, {})

    assert settings.publish_every == value
    assert load({"publish_every": _shown(settings, "publish_every")}, {}) == settings


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("publish_every", "0s"),
        ("publish_every", "15"),
        ("publish_every", "500ms"),
        ("publish_every", ""),
        ("port", "0"),
        ("port", "65536"),
        ("port", "80a"),
        ("port", "٣"),
        ("head_entries", "19"),
        ("head_entries", "201"),
        ("reads", "private"),
        ("keep_texts", "half"),
        ("agents", "yes"),
        ("rate_limit", "-1"),
        ("calendar_alarms", "7"),
        ("calendar_alarms", "400d"),
        ("calendar_alarms", ""),
        ("base_url", "ftp://example.org"),
        ("base_url", "example.org"),
        ("base_url", "https://"),
        ("base_url", "https://example.org/?q"),
        ("base_url", "https://me:s3cr3t@example.org"),
        ("base_url", "https://example.org:99999"),
        ("base_url", "https://exa mple.org"),
        ("tag_authority", "example.org"),
        ("tag_authority", "example.org,26"),
        ("tag_authority", "example.org,2026-13"),
        ("tag_authority", "Example.org,2026"),
        ("tag_authority", "-example.org,2026"),
        ("database_url", "mysql://db/x"),
        ("database_url", "timeline.db"),
        ("database_url", "postgresql:/me:s3cr3t@db/x"),
        ("database_url", "mysql://me:s3cr3t@db/x"),
        ("host", ""),
        ("feeds_dir", " "),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(name, text) -> None:
    error = refusal(environ={f"TIMELINE_{name.upper()}": text})

    assert error.field == name
    assert "s3cr3t" not in error.detail + error.remedy


@pytest.mark.parametrize("text", ["example.org,2026", "example.org,2026-02-28", "me@example.org,2026-05", "a-b.c,2000"])
def test_a_tag_authority_is_a_name_and_a_date(text) -> None:
    assert load({"tag_authority": text}, {}).tag_authority == text


def test_a_base_url_has_no_slash_at_its_end() -> None:
    assert load({"base_url": "https://example.org/timeline/"}, {}).base_url == "https://example.org/timeline"


def test_a_password_comes_from_the_environment_or_a_file_of_its_own() -> None:
    written(SECRET, "secret")

    by_environment = load({}, {"TIMELINE_DATABASE_URL": SECRET})
    by_file = load({}, {"TIMELINE_READ_DATABASE_URL_FILE": "secret"})

    assert by_environment.database_url == by_file.read_database_url == SECRET
    assert by_file.origins["read_database_url"] == "TIMELINE_READ_DATABASE_URL_FILE"
    for settings in (by_environment, by_file):
        assert "s3cr3t" not in repr(settings) + str(settings.shown())


def test_a_password_in_the_configuration_or_in_a_flag_is_refused() -> None:
    assert "TIMELINE_DATABASE_URL" in refusal({"database_url": SECRET}).remedy

    written(f'database_url = "{SECRET}"\n')
    assert "s3cr3t" not in str(refusal().problem())


def test_an_address_given_twice_is_refused() -> None:
    assert "Both" in refusal(environ={"TIMELINE_DATABASE_URL": "sqlite:///a", "TIMELINE_DATABASE_URL_FILE": "b"}).detail


def test_an_address_in_a_file_that_is_not_there_is_refused() -> None:
    assert "cannot be read" in refusal(environ={"TIMELINE_DATABASE_URL_FILE": "none"}).detail


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///timeline.db", "sqlite:///timeline.db"),
        ("postgresql://me@db/x", "postgresql://me@db/x"),
        ("postgresql://db:5432/x", "postgresql://db:5432/x"),
        ("postgresql://me:a@b:c/d@db/x", "postgresql://me:***@db/x"),
        ("postgresql://:pw@db/x", "postgresql://:***@db/x"),
        ("postgresql://me:/pw@db/x", "postgresql://me:***@db/x"),
        ("postgresql://db/x?user=me&password=pw&a=b", "postgresql://db/x?user=me&password=***&a=b"),
    ],
)
def test_a_password_is_shown_as_stars_whatever_it_holds(url, shown) -> None:
    assert masked(url) == shown
