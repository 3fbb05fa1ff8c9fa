"""The other end of the ApertureDB protocol, for tests: what the real client sends is understood,
carried out on a small database in memory, and kept.

Written from the protocol that the client speaks (frames with their length in front, a hello, a
protobuf message of JSON, blobs and a token) and from the documentation of the query language:
transactions, conditional adds, references, ``unique``, and types of properties that stay what
they are.
"""

from __future__ import annotations

import copy
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

USER, PASSWORD = "tester", "s3cret: pa/ss"

_BYTES = 2
_CLASSES = ("Image", "BoundingBox", "Polygon", "Descriptor", "DescriptorSet", "Entity")


class RefusedError(Exception):
    """A command that ends its transaction; the message is the ``info``."""


@dataclass
class Entity:
    """An object or a connection."""

    kind: str
    properties: dict[str, Any]
    blob: bytes | None = None
    about: dict[str, Any] = field(default_factory=dict)


@dataclass
class Peer:
    """A running peer.

    Attributes:
        entities: What is in the database.
        connections: Connections between entities, as (class, from, to, properties).
        messages: All queries after the hello, but for logins.
        indexes: Indexes that were asked for.
        before: Called with each query before it is carried out; may raise :class:`RefusedError`,
            sleep, or raise ``ConnectionError`` to hang up.
        faults: What no client may send.
        image_check: Tells whether a blob is an image.
    """

    port: int = 0
    entities: list[Entity] = field(default_factory=list)
    connections: list[tuple[str, Entity, Entity, dict[str, Any]]] = field(default_factory=list)
    messages: list[list[dict[str, Any]]] = field(default_factory=list)
    indexes: set[tuple[str, str, str]] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    before: Callable[[list[dict[str, Any]]], None] = lambda query: None
    image_check: Callable[[bytes], bool] = lambda blob: (
        blob[:4] in (b"\x89PNG", b"\xff\xd8\xff\xe0")
    )
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, kind: str) -> list[Entity]:
        return [entity for entity in self.entities if entity.kind == kind]

    def by(self, kind: str, key: str) -> dict[Any, Entity]:
        """Entities by a property, which must tell them apart."""
        found = {entity.properties[key]: entity for entity in self.of(kind)}
        assert len(found) == len(self.of(kind))
        return found

    def sent(self, command: str) -> list[dict[str, Any]]:
        """What came with a command, in every query."""
        return [c[command] for query in self.messages for c in query if command in c]

    @property
    def config(self) -> str:
        """The client's configuration, for the environment variable ``APERTUREDB_JSON``."""
        about = {"host": "127.0.0.1", "port": self.port, "username": USER, "password": PASSWORD}
        return json.dumps({**about, "use_ssl": False})

    def answer(self, query: list[dict[str, Any]], blobs: list[bytes], token: str) -> Any:
        if "Authenticate" in query[0]:
            return [{"Authenticate": _session(query[0]["Authenticate"])}]
        if token != "token":
            return {"status": -1, "info": "Not Authenticated!"}
        self.messages.append(query)
        try:
            self.before(query)
            with self.lock:
                return _Transaction(self, blobs).run(query)
        except RefusedError as error:
            return {"status": -1, "info": str(error), "command_number": len(query)}
        except (AssertionError, LookupError, TypeError, ValueError) as error:
            self.faults.append(repr(error))
            return {"status": -1, "info": f"fault: {error!r}"}


def _session(given: Mapping[str, Any]) -> dict[str, Any]:
    if (given.get("username"), given.get("password")) != (USER, PASSWORD):
        return {"status": -1, "info": "Wrong username or password"}
    tokens = {"session_token": "token", "refresh_token": "again"}
    return {
        "status": 0, **tokens, "session_token_expires_in": 3600, "refresh_token_expires_in": 7200
    }  # fmt: skip


class _Transaction:
    """All commands of a query, or none."""

    def __init__(self, peer: Peer, blobs: list[bytes]) -> None:
        self._peer, self._blobs = peer, list(blobs)
        self._entities, self._connections = list(peer.entities), list(peer.connections)
        self._changed: list[tuple[Entity, dict[str, Any]]] = []
        self._refs: dict[int, list[Entity]] = {}

    def run(self, query: list[dict[str, Any]]) -> list[dict[str, Any]]:
        answers = []
        for command in query:
            ((name, about),) = command.items()
            answers.append({name: self._do(name, about)})
        if self._blobs:
            raise RefusedError("more blobs than commands that take one")
        self._peer.entities, self._peer.connections = self._entities, self._connections
        for entity, properties in self._changed:
            entity.properties = properties
        return answers

    def _do(self, name: str, about: dict[str, Any]) -> dict[str, Any]:
        if name in ("GetStatus", "GetSchema"):
            return {"status": 0, "entities": None, "connections": None}
        if name == "CreateIndex":
            key = about.get("property", about.get("property_key"))
            self._peer.indexes.add(
                (about.get("target", about.get("index_type")), about["class"], key)
            )
            return {"status": 0}
        verb = next(verb for verb in ("Find", "Add", "Update") if name.startswith(verb))
        kind = name.removeprefix(verb)
        if kind == "Connection":
            return self._connect(about)
        assert kind in _CLASSES, name
        return {"Find": self._find, "Add": self._add, "Update": self._update}[verb](kind, about)

    def _find(self, kind: str, about: dict[str, Any]) -> dict[str, Any]:
        assert not about.get("blobs"), "blobs were asked for"
        found = self._matching(kind, about)
        if about.get("unique") and len(found) > 1:
            raise RefusedError(f"{len(found)} objects where one is expected")
        if "_ref" in about:
            if not found:
                raise RefusedError("no object to refer to")
            self._refs[about["_ref"]] = found
        answer: dict[str, Any] = {"status": 0, "returned": 0}
        listed = about.get("results", {}).get("list")
        if about.get("dimensions"):
            listed = ["_dimensions"]
        if listed and found:
            entities = [
                {key: {**e.properties, **e.about}.get(key) for key in listed} for e in found
            ]
            answer |= {"entities": entities, "returned": len(entities)}
        return answer

    def _add(self, kind: str, about: dict[str, Any]) -> dict[str, Any]:
        blob = self._blob() if kind in ("Image", "Descriptor") else None
        if "if_not_found" in about:
            found = [
                e for e in self._entities if e.kind == kind and _holds(about["if_not_found"], e)
            ]
            if len(found) > 1:
                raise RefusedError("several objects exist")
            if found:
                self._refs[about.get("_ref", 0)] = found
                return {"status": 2}
        if kind == "DescriptorSet" and self._sets(about["name"]):
            return {"status": 2}
        made = Entity(kind, self._checked(kind, about.get("properties", {})), blob)
        getattr(self, f"_check_{kind}", lambda made, about: None)(made, about)
        self._entities.append(made)
        self._refs[about.get("_ref", 0)] = [made]
        return {"status": 0}

    def _blob(self) -> bytes:
        if not self._blobs:
            raise RefusedError("a blob is missing")
        return self._blobs.pop(0)

    def _update(self, kind: str, about: dict[str, Any]) -> dict[str, Any]:
        found = self._matching(kind, about)
        for entity in found:
            fresh = {**entity.properties, **self._checked(kind, about["properties"])}
            self._changed.append((entity, fresh))
        return {"status": 0, "count": len(found)}

    def _connect(self, about: dict[str, Any]) -> dict[str, Any]:
        (source,), (target,) = self._refs[about["src"]], self._refs[about["dst"]]
        properties = about.get("properties", {})
        for kind, _, _, known in self._connections:
            if kind == about["class"] and _holds(about["if_not_found"], Entity(kind, known)):
                return {"status": 2}
        self._connections.append((about["class"], source, target, properties))
        return {"status": 0}

    def _check_Image(self, made: Entity, about: dict[str, Any]) -> None:
        assert made.blob is not None
        if not self._peer.image_check(made.blob):
            raise RefusedError("the blob is no image")

    def _check_BoundingBox(self, made: Entity, about: dict[str, Any]) -> None:
        image = self._image(about["image_ref"])
        box = about["rectangle"]
        assert all(type(side) is int for side in box.values()), box
        if box["width"] < 1 or box["height"] < 1:
            raise RefusedError("an empty rectangle")
        made.about = {"image": image, "_label": about.get("label"), "rectangle": box}

    def _check_Polygon(self, made: Entity, about: dict[str, Any]) -> None:
        image = self._image(about["image_ref"])
        if any(len(polygon) < 3 for polygon in about["polygons"]):
            raise RefusedError("a polygon needs three points")
        made.about = {"image": image, "_label": about.get("label"), "polygons": about["polygons"]}

    def _check_DescriptorSet(self, made: Entity, about: dict[str, Any]) -> None:
        made.about = {"_name": about["name"], "_dimensions": about["dimensions"]}
        made.about |= {"_engines": [about["engine"]], "_metrics": [about["metric"]]}

    def _check_Descriptor(self, made: Entity, about: dict[str, Any]) -> None:
        sets = self._sets(about["set"])
        if not sets:
            raise RefusedError(f"no set {about['set']!r}")
        assert made.blob is not None
        if len(made.blob) != 4 * sets[0].about["_dimensions"]:
            raise RefusedError("a descriptor of another dimension")
        made.about = {"_set_name": about["set"]}

    def _image(self, ref: int) -> Entity:
        found = self._refs[ref]
        if len(found) > 1:
            raise RefusedError("the reference points to several images")
        return found[0]

    def _sets(self, name: str) -> list[Entity]:
        sets = (e for e in self._entities if e.kind == "DescriptorSet")
        return [e for e in sets if e.about["_name"] == name]

    def _checked(self, kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Properties, whose types are those that they had before."""
        for key, value in properties.items():
            if key[0] == "_" or value is None or isinstance(value, list | dict):
                raise RefusedError(f"property {key!r} cannot be {value!r}")
            before = {
                _type(e.properties[key])
                for e in self._entities
                if e.kind == kind and key in e.properties
            }
            if before - {_type(value)}:
                raise RefusedError(f"property {key!r} is a {before.pop()}, not {value!r}")
        return copy.deepcopy(dict(properties))

    def _matching(self, kind: str, about: Mapping[str, Any]) -> list[Entity]:
        wanted = about.get("constraints")
        found = [e for e in self._entities if e.kind == kind and _holds(wanted, e)]
        name = about.get("with_name")
        return found if name is None else [e for e in found if e.about["_name"] == name]


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "string"


def _holds(constraints: Any, entity: Entity) -> bool:
    """Whether conditions hold, in the words of clients up to 0.4 or since 0.5."""
    if constraints is None:
        return True
    if isinstance(constraints, list):
        if constraints[0] in ("all", "any"):
            return {"all": all, "any": any}[constraints[0]](
                _holds(c, entity) for c in constraints[1:]
            )
        key, operator, value = constraints
        literal = value["array"] if isinstance(value, dict) else value
        return _compare(entity.properties.get(key.removeprefix("$")), operator, _unescaped(literal))
    terms = []
    for key, value in constraints.items():
        if key in ("all", "any"):
            terms.append(_holds([key, *({k: v} for k, v in value.items())], entity))
        else:
            terms.append(_compare(entity.properties.get(key), *value))
    return all(terms)


def _unescaped(literal: Any) -> Any:
    if isinstance(literal, list):
        return [_unescaped(one) for one in literal]
    return literal[1:] if isinstance(literal, str) and literal.startswith("$$") else literal


def _compare(held: Any, operator: str, value: Any) -> bool:
    return {"==": lambda: held == value, "in": lambda: held in value}[operator]()


@contextmanager
def running() -> Iterator[Peer]:
    """Start a peer on loopback."""
    peer = Peer()
    with socket.create_server(("127.0.0.1", 0)) as server:
        peer.port = server.getsockname()[1]
        over = threading.Event()
        talks: list[socket.socket] = []
        listener = threading.Thread(target=_listen, args=(peer, server, over, talks), daemon=True)
        listener.start()
        try:
            yield peer
        finally:
            over.set()
            with socket.socket() as last:
                last.connect(("127.0.0.1", peer.port))
            listener.join(10)
            for talk in talks:
                talk.close()
        assert not peer.faults


def _listen(
    peer: Peer, server: socket.socket, over: threading.Event, talks: list[socket.socket]
) -> None:
    while True:
        talk, _ = server.accept()
        talks.append(talk)
        if over.is_set():
            return
        threading.Thread(target=_talk, args=(peer, talk), daemon=True).start()


def _talk(peer: Peer, talk: socket.socket) -> None:
    try:
        version, protocol = struct.unpack("@II", _received(talk))
        assert (version, protocol) == (1, 1), "the hello of a plain connection"
        _send(talk, struct.pack("@II", 1, 1))
        while True:
            query, blobs, token = _decoded(_received(talk))
            _send(talk, _encoded(json.dumps(peer.answer(json.loads(query), blobs, token))))
    except (ConnectionError, OSError):
        talk.close()


def _received(talk: socket.socket) -> bytes:
    (length,) = struct.unpack("@I", _exactly(talk, 4))
    return _exactly(talk, length)


def _exactly(talk: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = talk.recv(length - len(parts))
        if not part:
            raise ConnectionError
        parts += part
    return bytes(parts)


def _send(talk: socket.socket, message: bytes) -> None:
    talk.sendall(struct.pack("@I", len(message)) + message)


def _decoded(message: bytes) -> tuple[str, list[bytes], str]:
    """JSON, blobs and token of a protobuf message with the fields 1, 2 and 3."""
    fields: dict[int, list[bytes]] = {1: [], 2: [], 3: []}
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        assert tag & 7 == _BYTES
        length, at = _varint(message, at)
        fields[tag >> 3].append(message[at : at + length])
        at += length
    query, token = (b"".join(fields[number]).decode() for number in (1, 3))
    return query, fields[2], token


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _encoded(answer: str) -> bytes:
    data, length = answer.encode(), bytearray()
    rest = len(data)
    while True:
        length.append(rest & 127 | (128 if rest > 127 else 0))
        rest >>= 7
        if not rest:
            return bytes([1 << 3 | _BYTES]) + bytes(length) + data
