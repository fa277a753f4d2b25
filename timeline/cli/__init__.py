"""The command line: it reads what was typed, asks a use case, and shows the answer; it decides nothing."""

from timeline.cli import drafting, exporting, keeping, reading, searching, telling, writing
from timeline.cli.frame import cli

__all__ = ["cli", "drafting", "exporting", "keeping", "reading", "searching", "telling", "writing"]
