"""Answers as linked data: schema.org for who searches, PROV for who asks where it comes from. JSON-LD, no network.

A graph is a list of nodes; the first is what it is about. https://www.w3.org/TR/prov-o/ says what the terms mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from timeline.core.sheet import Citation

Json = dict[str, Any]
CONTEXT = {
    "@vocab": "https://schema.org/",
    "prov": "http://www.w3.org/ns/prov#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_ENTITY, _ACTIVITY, _AGENT = "prov:Entity", "prov:Activity", "prov:Agent"
_ABOUT = ("corrects", "retracts", "attaches")
_TYPES = {"json": "application/json", "csv": "text/csv", "pdf": "application/pdf"}


def document(graph: list[Json]) -> Json:
    """The graph as a JSON-LD document."""
    return {"@context": CONTEXT, "@graph": graph}


def alone(graph: list[Json]) -> Json:
    """What the graph is about, by itself: for a page, which says the rest in words."""
    return {"@context": CONTEXT, **graph[0]}


def answer(body: Json, citation: Citation, parties: Mapping[str, str]) -> list[Json]:
    """The answer as a data set, the statements that it follows from, their announcements and sources.

    Args:
        body: The cited answer.
        parties: Slug and name.
    """
    known_at = body["resolved"]["known_at"]
    found = list(_evidence(body))
    made: Json = {
        "@id": citation.link(),
        "@type": ["Dataset", _ENTITY],
        "name": f"{citation.name}, {citation.what}",
        "description": f"{citation.name}, term by term, with the words behind each: {citation.what}.",
        "identifier": f"sha256:{citation.sha256}",
        "creditText": citation.text,
        "about": [{"@type": "Organization", "name": name} for name in parties.values()],
        "distribution": [
            {"@type": "DataDownload", "encodingFormat": media_type, "contentUrl": citation.link(suffix)}
            | ({"sha256": citation.sha256} if suffix == "json" else {})
            for suffix, media_type in _TYPES.items()
        ],
        "prov:wasDerivedFrom": _ids(_statement_id(citation, each) for each in found),
        "prov:wasAttributedTo": {"@id": _recorder_id(citation)},
    }
    if "as_of" in body["resolved"]:
        made["temporalCoverage"] = body["resolved"]["as_of"]
    elif "changes" in body:
        made["temporalCoverage"] = f"{body['from']}/{body['to']}"
    if known_at is not None:
        made |= {"dateModified": known_at, "prov:generatedAtTime": _moment(known_at)}
    nodes = {made["@id"]: made}
    for each in found:
        act = each["statement"].partition("#")[0]
        record = f"{citation.base_url}/a/{act}"
        source = _source(each, record, each["statement"].partition("#")[2])
        nodes[_statement_id(citation, each)] = {
            "@id": _statement_id(citation, each),
            "@type": ["Claim", _ENTITY],
            "text": each["quote"] or f"unsupported: {each.get('unsupported', 'no words')}",
            "isPartOf": {"@id": record},
            "appearance": {"@id": source["@id"]},
            "prov:wasQuotedFrom": {"@id": source["@id"]},
            "prov:wasDerivedFrom": {"@id": record},
        }
        nodes[source["@id"]] = source
        nodes[record] = {
            "@id": record,
            "@type": ["CreativeWork", _ENTITY],
            "identifier": act,
            "datePublished": each["announced"],
            "dateCreated": each["recorded_at"],
            "prov:generatedAtTime": _moment(each["recorded_at"]),
            "prov:wasGeneratedBy": {"@id": f"{record}#act"},
        }
        nodes[f"{record}#act"] = _act(f"{record}#act", "append", each["recorded_at"], citation)
    nodes[_recorder_id(citation)] = _recorder(citation)
    return list(nodes.values())


def announcement(body: Json, citation: Citation, parties: Mapping[str, str]) -> list[Json]:
    """An act: the record of it, the recording, who said it and who recorded it, and what became of it.

    Args:
        body: What `Answers.announcement` gave.
        parties: Slug and name.
    """
    record = citation.link()
    sources = [_source(each, record, str(number)) for number, each in enumerate(body.get("sources", ()), start=1)]
    claims = [
        {
            "@id": f"{record}#s{number}",
            "@type": ["Claim", _ENTITY],
            "text": each["text"],
            "isPartOf": {"@id": record},
            "appearance": {"@id": sources[each["source"] - 1]["@id"]},
            "prov:wasQuotedFrom": {"@id": sources[each["source"] - 1]["@id"]},
            "prov:value": each["quote"] or f"unsupported: {each['unsupported']}",
        }
        for number, each in enumerate(body.get("statements", ()), start=1)
    ]
    act = f"{record}#act"
    about = next((body["document"][name] for name in _ABOUT if name in body["document"]), None)
    told = {each["@id"]: each for each in sources}
    made: Json = {
        "@id": record,
        "@type": ["CreativeWork", _ENTITY],
        "name": body["title"],
        "identifier": body["id"],
        "creditText": citation.text,
        "dateCreated": body["recorded_at"],
        "about": [{"@type": "Organization", "name": name} for name in parties.values()],
        "isBasedOn": _ids(told),
        "hasPart": _ids(each["@id"] for each in claims),
        "prov:generatedAtTime": _moment(body["recorded_at"]),
        "prov:wasGeneratedBy": {"@id": act},
        "prov:wasDerivedFrom": _ids(told),
        "prov:wasAttributedTo": [each["prov:wasAttributedTo"] for each in told.values()],
    }
    if "announced" in body:
        made["datePublished"] = body["announced"]
    if body.get("summary"):
        made["abstract"] = body["summary"]
    if body["kind"] == "correction":
        made["prov:wasRevisionOf"] = {"@id": f"{citation.base_url}/a/{about}"}
    recording = _act(act, body["kind"] if about else "append", body["recorded_at"], citation)
    recording["prov:used"] = _ids([*told, f"{citation.base_url}/a/{about}"] if about else told)
    nodes = [made, recording, *claims]
    for later in body["later"]:
        it = f"{citation.base_url}/a/{later['id']}"
        if later["kind"] == "correction" and later["live"]:
            made.setdefault("correction", []).append({"@id": it})
        if later["kind"] == "retraction" and later["live"]:
            made["prov:wasInvalidatedBy"] = {"@id": f"{it}#act"}
            made["prov:invalidatedAtTime"] = _moment(later["recorded_at"])
        nodes.append(_act(f"{it}#act", later["kind"], later["recorded_at"], citation))
    return [*nodes, *told.values(), _recorder(citation)]


def _evidence(value: Any) -> Iterable[Json]:
    """Every piece of evidence in an answer, each statement's once, in the order of the answer."""
    found: dict[str, Json] = {}

    def gather(part: Any) -> None:
        if isinstance(part, list):
            for each in part:
                gather(each)
        elif isinstance(part, dict):
            if "quote" in part:
                found.setdefault(part["statement"], part)
            for each in part.values():
                gather(each)

    gather(value)
    return found.values()


def _source(each: Json, record: str, number: str) -> Json:
    """Where the words stand, and who published them."""
    who = {"@id": f"{record}#publisher-{number}", "@type": ["Organization", _AGENT]}
    who["name"] = each.get("publisher") or "publisher not stated"
    made = {
        "@id": each["url"] or f"{record}#source-{number}",
        "@type": ["CreativeWork", _ENTITY],
        "genre": each["tier"],
        "publisher": who,
        "prov:wasAttributedTo": {"@id": who["@id"]},
    }
    if each.get("text_sha256"):
        made["sha256"] = each["text_sha256"]
    return made


def _act(place: str, name: str, at: str, citation: Citation) -> Json:
    return {
        "@id": place,
        "@type": [_ACTIVITY],
        "name": name,
        "prov:endedAtTime": _moment(at),
        "prov:wasAssociatedWith": {"@id": _recorder_id(citation)},
    }


def _recorder(citation: Citation) -> Json:
    return {"@id": _recorder_id(citation), "@type": ["prov:SoftwareAgent", _AGENT], "name": "Timeline"}


def _recorder_id(citation: Citation) -> str:
    return f"{citation.base_url}/"


def _statement_id(citation: Citation, each: Json) -> str:
    act, _, number = each["statement"].partition("#")
    return f"{citation.base_url}/a/{act}#s{number}"


def _moment(text: str) -> Json:
    return {"@type": "xsd:dateTime", "@value": text}


def _ids(places: Iterable[str]) -> list[Json]:
    return [{"@id": place} for place in places]
