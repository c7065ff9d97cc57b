"""generated/openapi.json: the components that REST's OpenAPI document refers to (OpenAPI 3.1, JSON Schema)."""
import json

from generation import crd
from generation.model import EnumType, ObjectType


def components(model):
    schemas = {}
    for kind in model.ordered():
        schemas[kind.name] = (crd.described(kind.doc, {"type": "string", "enum": list(kind.values)})
                              if isinstance(kind, EnumType) else object_schema(model, kind))
    for resource in model.resources:
        properties = {
            "apiVersion": {"const": f"{crd.GROUP}/{crd.VERSION}"},
            "kind": {"const": resource.name},
            "metadata": reference("ObjectMeta"),
            "spec": reference(resource.spec),
        }
        schemas[resource.name] = crd.described(resource.doc, {
            "type": "object", "properties": properties, "required": list(properties),
            "additionalProperties": False})
    return json.dumps({"components": {"schemas": dict(sorted(schemas.items()))}}, indent=1, ensure_ascii=False) + "\n"


def reference(name):
    return {"$ref": f"#/components/schemas/{name}"}


def object_schema(model, kind):
    assert isinstance(kind, ObjectType)
    schema = crd.described(kind.doc, {"type": "object", "additionalProperties": False})
    if kind.fields:
        schema["properties"] = {f.name: field_schema(model, f) for f in kind.fields}
    required = [f.name for f in kind.fields if f.required]
    if required:
        schema["required"] = required
    unions = [{"oneOf": [{"required": [m.name]} for m in members]} for members in kind.unions().values()]
    if unions:
        schema["allOf"] = unions
    return schema


def field_schema(model, field):
    schema = crd.described(field.doc, value_schema(model, field.value))
    if field.has_default:
        schema["default"] = field.default
    return schema


def value_schema(model, value):
    if value.type in model.types:
        return reference(value.type)
    if value.type in ("cpu", "bytes"):
        pattern = crd.CPU if value.type == "cpu" else crd.BYTES
        return {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": pattern}]}
    if value.type == "value":
        return {"oneOf": [{"type": "string", "maxLength": 65536}, {"type": "integer", "format": "int64"}, {"type": "boolean"},
                          {"type": "array", "items": {"type": "string", "maxLength": 65536}}]}
    if value.type == "list":
        schema = {"type": "array", "items": value_schema(model, value.item), "maxItems": value.max_size}
        if value.min_size:
            schema["minItems"] = value.min_size
        if value.unique:
            schema["uniqueItems"] = True
        return schema
    if value.type == "map":
        return {"type": "object", "maxProperties": value.max_size,
                "propertyNames": {"minLength": 1, "maxLength": 316},
                "additionalProperties": value_schema(model, value.item)}
    return crd.value_schema(model, value)
