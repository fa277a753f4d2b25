"""The command `timeline`, also as `python -m timeline`."""

from __future__ import annotations

from timeline.cli import cli


def main() -> None:
    """Run the command line; leaves by `SystemExit` with the exit codes of `timeline.core.errors.Category`."""
    cli(prog_name="timeline")


if __name__ == "__main__":
    main()
