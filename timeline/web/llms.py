"""/llms.txt (llmstxt.org): what a language model can ask here, as Markdown made from the table of operations."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from timeline.agents import Tools
from timeline.agents.instructions import ABOUT
from timeline.settings import Settings
from timeline.web.agents import PLACE
from timeline.web.conditional import respond
from timeline.web.operations import Operation

_MEDIA_TYPE = "text/plain; charset=utf-8"


def route(summary: str, table: Iterable[Operation], tools: Tools, settings: Settings) -> Route:
    """Its address. What stands there depends on how the service is set up, and on nothing that is recorded."""
    body = _document(summary, table, tools, settings)

    async def answer(request: Request) -> Response:
        return respond(request, body, _MEDIA_TYPE)

    return Route("/llms.txt", answer, methods=["GET"])


def _document(summary: str, table: Iterable[Operation], tools: Tools, settings: Settings) -> bytes:
    base = settings.base_url
    questions = [each for each in table if each.method == "GET" and each.scope is None]
    documents = [each for each in questions if each.formats and not each.path.startswith("/feeds")]
    lasting = [each for each in questions if "{seq}" in each.path and not each.formats]
    feeds = [each for each in questions if each.path.startswith("/feeds")]
    heads = [each for each in feeds if "{span}" not in each.path]
    if settings.agents == "on":
        asked = f"By the Model Context Protocol (Streamable HTTP) at {base}{PLACE}:"
    else:
        asked = "By the Model Context Protocol on a machine that has the record, as `timeline agents`:"
    lines = [
        "# Timeline",
        "",
        f"> {summary}",
        "",
        ABOUT,
        "",
        "## Questions",
        "",
        "Answers are JSON; a refusal says what to ask instead under `remedy`.",
        "",
        *(_line(base, each) for each in questions if each not in (*lasting, *documents, *feeds)),
        "",
        "## Citations",
        "",
        "The same for ever: `{seq}` is a position of the record, as `known_seq` in every answer.",
        "",
        *(_line(base, each) for each in lasting),
        "",
        "## Documents",
        "",
        "The same with quotes and sources; `{format}` is docx, pdf, csv, md or jsonld.",
        "",
        *(_line(base, each) for each in documents),
        "",
        "## Feeds",
        "",
        "`{format}` is atom, rss or json. A head leads to its archive.",
        "",
        *(_line(base, each) for each in heads),
        "",
        "## Tools",
        "",
        asked,
        "",
        *(f"- {each.name}: {each.description}" for each in tools.table),
        "",
        "## More",
        "",
        f"- [OpenAPI]({base}/openapi.json): every address with an example that runs",
        f"- [Pages]({base}/): the same for people",
    ]
    return ("\n".join(lines) + "\n").encode()


def _line(base: str, operation: Operation) -> str:
    names = ", ".join(f"`{each.name}`" for each in operation.parameters)
    return f"- [{operation.summary}]({base}{operation.path})" + (f": {names}" if names else "")
