"""Declared operations: one table says what each address takes and gives; requests and OpenAPI 3.1 follow from it.

A handler is a plain function of a `Call`; it runs in a thread and knows nothing of HTTP but its names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import msgspec
from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, compile_path

from timeline.core.errors import TimelineError
from timeline.core.questions import only
from timeline.web.access import allow
from timeline.web.conditional import respond
from timeline.web.fresh import Fresh

Json = dict[str, Any]
ENCODER = msgspec.json.Encoder(decimal_format="number")
JSON = "application/json"
_LONGEST = 200
_AT_ONCE = 2
"""Documents in the making; more would leave the other readers no processor."""
_SLOT = re.compile(r"{(\w+)(?::\w+)?}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the address: what it means, what it may be, and a value to try."""

    name: str
    means: str
    schema: Json
    example: str | int | list[str] | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries: one document, in JSON or YAML."""

    schema: Json
    example: Json


@dataclass(frozen=True, slots=True)
class Call:
    """A request, as a handler sees it."""

    path: Mapping[str, str]
    given: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that needs more than a body."""

    body: Json | bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON
    cache_control: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One address with one method.

    Attributes:
        handler: None where a route of its own answers: the document has the address all the same.
        returns: The type of the body, for the document; None when it is not JSON.
        scope: What a token must allow; None for a question that the settings open or close.
    """

    method: Literal["GET", "POST", "PUT"]
    path: str
    name: str
    summary: str
    handler: Callable[[Call], Json | Reply] | None
    returns: Any
    parameters: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    body: Body | None = None
    scope: str | None = None
    refuses: tuple[str, ...] = ()
    """Parameters of like questions that the handler refuses, and says where they are answered."""
    moving: bool = False
    """Whether the answer changes by itself, so that none is kept."""
    also: tuple[str, ...] = ()
    """Further addresses with the same answer, such as a page's with `.json`."""
    formats: Mapping[str, str] = field(default_factory=dict)
    """Of a document: the media type by the ending that stands for `{format}` in the path."""
    media_type: str = "text/plain"
    """Of another answer that is not JSON."""
    otherwise: tuple[str, ...] | None = None
    """The statuses beside that of success, where they are not all those of the method."""

    @property
    def known(self) -> list[str]:
        return [*(each.name for each in self.parameters), *self.refuses]

    def answer(self, call: Call) -> Json | Reply:
        """What the handler says."""
        assert self.handler is not None  # no other is routed by this table
        return self.handler(call)


def routes(operations: tuple[Operation, ...], fresh: Fresh) -> list[Route]:
    """A route for each address of the operations."""
    found = []
    for operation in operations:
        endpoint = partial(_ask, operation, fresh) if operation.method == "GET" else partial(_act, operation)
        for path in (operation.path, *operation.also):
            found.append(Route(path, endpoint, methods=[operation.method], name=operation.name))
    return found


def documents(operations: Iterable[Operation]) -> list[Route]:
    """A route for each format of the operations. None is kept: each is made anew, in the same bytes."""
    room = CapacityLimiter(_AT_ONCE)
    return [
        Route(path, partial(_make, operation, ending, room), methods=["GET"], name=operation.name)
        for operation in operations
        for ending in operation.formats
        for path in [operation.path.replace("{format}", ending)]
    ]


async def _make(operation: Operation, ending: str, room: CapacityLimiter, request: Request) -> Response:
    """Answer with a document, when there is room to make one."""
    call = Call({**request.path_params, "format": ending}, parameters(request, operation.known))

    def make() -> Reply:
        reply = operation.answer(call)
        assert isinstance(reply, Reply)  # a document needs more than a body
        return reply

    reply = await to_thread.run_sync(make, limiter=room)
    assert isinstance(reply.body, bytes)  # it is written already
    media_type, headers = operation.formats[ending], dict(reply.headers)
    return respond(request, reply.body, media_type, cache_control=reply.cache_control, headers=headers)


async def _ask(operation: Operation, fresh: Fresh, request: Request) -> Response:
    """Answer a question; an answer given before stands as long as the record and the day do."""
    if operation.scope is not None:
        allow(request, operation.scope)

    def answer() -> Reply:
        given = parameters(request, operation.known)
        reply = operation.answer(Call(request.path_params, given, request.headers))
        if isinstance(reply, Reply):
            return reply if isinstance(reply.body, bytes) else replace(reply, body=ENCODER.encode(reply.body))
        return Reply(ENCODER.encode(reply))

    reply = await (run_in_threadpool(answer) if operation.moving else fresh.answer(request, answer))
    headers = dict(reply.headers)
    assert isinstance(reply.body, bytes)  # questions are answered in bytes, so that they can be kept
    return respond(request, reply.body, reply.media_type, cache_control=reply.cache_control, headers=headers)


async def _act(operation: Operation, request: Request) -> Response:
    """Carry out a request that writes, for whoever may."""
    assert operation.scope is not None  # whatever writes needs a token
    allow(request, operation.scope)
    raw = await request.body()

    def act() -> Reply:
        given = parameters(request, operation.known)
        made = operation.answer(Call(request.path_params, given, request.headers, raw))
        assert isinstance(made, Reply)  # whatever writes says its status
        return made

    reply = await run_in_threadpool(act)
    return Response(ENCODER.encode(reply.body), reply.status, dict(reply.headers), reply.media_type)


def parameters(request: Request, known: Iterable[str]) -> dict[str, str]:
    """The parameters of the address, each at most once, none unknown, and none with characters that cannot be seen.

    Raises:
        TimelineError: `unknown_parameter`, `conflicting_parameters`, `invalid_value`; `unknown_address` when the
            path itself cannot be seen.
    """
    if any(not value.isprintable() or len(value) > _LONGEST for value in request.path_params.values()):
        raise TimelineError("unknown_address", "There is no such address.", "Begin at / or at /openapi.json.")
    given = dict(request.query_params)
    only(given, list(known))
    for name, value in given.items():
        if not value.isprintable():
            raise TimelineError(
                "invalid_value", f"{name} has a control character in it.", f"Write {name} as plain text.", field=name
            )
    pairs = request.query_params.multi_items()
    if len(pairs) > len(given):
        twice = next(name for name, _ in pairs if len(request.query_params.getlist(name)) > 1)
        raise TimelineError(
            "conflicting_parameters",
            f"{twice} is given more than once.",
            f"Keep one: {twice}={given[twice]}.",
            field=twice,
        )
    return given


def scopes(operations: Iterable[Operation]) -> Callable[[Request], str]:
    """What a token must allow for a request; `read` where no operation says more."""
    guarded = [(each.method, compile_path(each.path)[0], each.scope) for each in operations if each.scope is not None]

    def needed(request: Request) -> str:
        path = request.scope["path"]
        return next((scope for method, of, scope in guarded if method == request.method and of.match(path)), "read")

    return needed


def described(operations: tuple[Operation, ...], info: Json, path_examples: Mapping[str, Json]) -> Json:
    """The OpenAPI 3.1 document of the operations."""
    types = [each.returns for each in operations if each.returns is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    of = dict(zip(map(id, types), schemas, strict=True))
    components["Problem"] = _PROBLEM
    paths: Json = {}
    for each in operations:
        formats: Json = {"enum": list(each.formats), "description": "How it is written."}
        known = {**path_examples, "format": formats | {"example": next(iter(each.formats), None)}}
        slots = [_parameter(slot, "path", known[slot], required=True) for slot in _SLOT.findall(each.path)]
        query = [_declared(parameter, "query") for parameter in each.parameters]
        headers = [_declared(parameter, "header") for parameter in each.headers]
        written = [media_type.partition(";")[0] for media_type in each.formats.values() or [each.media_type]]
        good = (
            {JSON: {"schema": of[id(each.returns)]}}
            if each.returns is not None
            else {each: {"schema": {"type": "object" if each.endswith("json") else "string"}} for each in written}
        )
        statuses = ("201", "200") if each.method == "POST" else ("200",)
        otherwise = OTHERWISE[each.method] if each.otherwise is None else each.otherwise
        body: Json = {
            "operationId": each.name,
            "summary": each.summary,
            "parameters": [*slots, *query, *headers],
            "responses": {status: {"description": _MEANS[status], "content": good} for status in statuses}
            | {status: _problem(status) if status > "4" else {"description": _MEANS[status]} for status in otherwise},
        }
        if each.body is not None:
            content = {"schema": each.body.schema, "example": each.body.example}
            body["requestBody"] = {
                "required": True,
                "content": {JSON: content, "application/yaml": {"schema": each.body.schema}},
            }
        if each.scope is not None:
            body["security"] = [{"token": []}]
        paths.setdefault(_SLOT.sub(r"{\1}", each.path), {})[each.method.lower()] = body
    security = {"token": {"type": "http", "scheme": "bearer", "description": "A token made by `timeline token new`."}}
    return {
        "openapi": "3.1.0",
        "info": info,
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": security},
    }


def _declared(parameter: Parameter, place: str) -> Json:
    schema = parameter.schema | {"description": parameter.means}
    if parameter.example is not None:
        schema["example"] = parameter.example
    return _parameter(parameter.name, place, schema, required=parameter.required)


def _parameter(name: str, place: str, schema: Json, *, required: bool) -> Json:
    schema = dict(schema)
    found: Json = {"name": name, "in": place, "required": required, "description": schema.pop("description", "")}
    if "example" in schema:
        found["example"] = schema.pop("example")
    return found | {"schema": schema}


def _problem(status: str) -> Json:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": _MEANS[status], "content": {"application/problem+json": {"schema": schema}}}


_MEANS = {
    "200": "The answer; of a write, that nothing new was recorded: a dry run, or said before.",
    "201": "Recorded.",
    "304": "You have these bytes: If-None-Match says so.",
    "400": "The question cannot be asked so.",
    "401": "A token is needed, or the one shown is not known.",
    "403": "The token does not allow it.",
    "404": "There is no such thing on record.",
    "409": "It contradicts what is on record.",
    "412": "The record has moved on.",
    "413": "It is too large.",
    "415": "It is neither JSON nor YAML.",
    "422": "The document breaks a rule.",
    "429": "Too many requests.",
    "500": "The record is not as it must be.",
    "503": "Try again shortly.",
}
OTHERWISE = {
    "GET": ("304", "400", "401", "403", "404", "429", "503"),
    "POST": ("400", "401", "403", "404", "409", "412", "413", "415", "422", "429", "503"),
    "PUT": ("400", "401", "403", "404", "409", "412", "413", "415", "422", "429", "503"),
}
_PROBLEM: Json = {
    "title": "Problem",
    "description": "RFC 9457, with a stable code and a remedy that works when followed literally.",
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "remedy": {"type": "string"},
        "field": {"type": "string"},
    },
    "required": ["type", "title", "status", "code", "detail", "remedy"],
}
