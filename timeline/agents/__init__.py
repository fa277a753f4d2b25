"""The door for assistants: few tools, named by what somebody wants to know, over the Model Context Protocol.

`tools` has the table of tools and what answers each, `declared` how one is declared and asked, `rows` and `small` make
answers fit, `instructions` is what an assistant is told first. `protocol` speaks to the library, which is an extra and
loaded only when asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from timeline.agents.tools import Tools
from timeline.core.errors import TimelineError

__all__ = ["Tools", "load_protocol"]


def load_protocol() -> Any:
    """The module that speaks the protocol.

    Raises:
        TimelineError: `extra_missing`.
    """
    try:
        return import_module("timeline.agents.protocol")
    except ImportError as error:
        raise TimelineError(
            "extra_missing",
            f"Assistants need a library that is not installed here ({error.name}).",
            "Install timeline[agents].",
            extra="agents",
        ) from error
