"""Lets schemathesis speak CBOR: the schemas say in JSON what is CBOR on the wire.

A byte string is a text in base16 there (format `bytes` or `bytes-N`), a key of a map is a number written as a text. What does not
fit the schema goes out as the CBOR that comes nearest to it, for the relay to refuse.
"""

import json
import os
import urllib.request

import cbor2
import schemathesis
from hypothesis import strategies as st

DOCUMENT = json.load(urllib.request.urlopen(os.environ["SOTTO_RELAY_URL"] + "/openapi.json"))


def formats(schema):
    """Every format that a schema names."""
    if isinstance(schema, dict):
        if isinstance(schema.get("format"), str):
            yield schema["format"]
        for value in schema.values():
            yield from formats(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from formats(value)


for name in set(formats(DOCUMENT)):
    if name == "bytes":
        schemathesis.openapi.format(name, st.binary(max_size=300).map(bytes.hex))
    elif name.startswith("bytes-"):
        length = int(name.removeprefix("bytes-"))
        schemathesis.openapi.format(name, st.binary(min_size=length, max_size=length).map(bytes.hex))


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """The tool does not understand `prefixItems` within the `items` of an answer: there, any place may hold any of them."""
    for path in raw_schema["paths"].values():
        for operation in path.values():
            loosen(operation.get("responses", {}))


def loosen(schema):
    if isinstance(schema, dict):
        if "prefixItems" in schema:
            schema["items"] = {"oneOf": schema.pop("prefixItems")}
        schema = list(schema.values())
    if isinstance(schema, list):
        for value in schema:
            loosen(value)


def key_to_cbor(key):
    return int(key) if key.isascii() and key.isdigit() and len(key) < 20 else key


def to_cbor(value, schema):
    """The value as CBOR has it, as far as the schema says."""
    schema = schema if isinstance(schema, dict) else {}
    if "oneOf" in schema:
        fitting = [one for one in schema["oneOf"] if fits(value, one)]
        return to_cbor(value, fitting[0] if fitting else {})
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return {key_to_cbor(key): to_cbor(item, properties.get(key)) for key, item in value.items()}
    if isinstance(value, list):
        places = schema.get("prefixItems", [])
        items = schema.get("items")
        return [to_cbor(item, places[n] if n < len(places) else items) for n, item in enumerate(value)]
    if isinstance(value, str) and str(schema.get("format", "")).startswith("bytes"):
        try:
            return bytes.fromhex(value)
        except ValueError:
            return value
    if isinstance(value, str):
        # Half a surrogate is no text, in CBOR neither.
        return value.encode("utf-8", "replace").decode()
    return value


def fits(value, schema):
    """Whether the value is of the schema's kind: enough to choose between alternatives."""
    kind = schema.get("type")
    if kind == "array":
        places = schema.get("prefixItems", [])
        return isinstance(value, list) and (not places or len(value) > 0 and fits(value[0], places[0]))
    if "enum" in schema:
        return value in schema["enum"]
    kinds = {"object": dict, "string": str, "null": type(None), "integer": int, "boolean": bool}
    return isinstance(value, kinds.get(kind, object))


def body_schema(path, method):
    operation = DOCUMENT["paths"].get(path, {}).get(method.lower(), {})
    content = operation.get("requestBody", {}).get("content", {})
    return content.get("application/cbor", {}).get("schema", {})


@schemathesis.serializer("application/cbor")
def serialize(context, value):
    case = context.case
    return cbor2.dumps(to_cbor(value, body_schema(case.operation.path, case.operation.method)))


def to_json(value):
    """What the relay answers, as the schemas say it."""
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    return value.hex() if isinstance(value, bytes) else value


@schemathesis.deserializer("application/cbor")
def deserialize(context, response):
    return to_json(cbor2.loads(response.content))
