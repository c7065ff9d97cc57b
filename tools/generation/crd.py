"""crds/*.yaml: structural schemas. Unions are rules in CEL, since a structural schema has no oneOf for them."""
import yaml

from generation.model import EnumType, ObjectType

GROUP = "millrace.io"
VERSION = "v1alpha1"
DURATION = "^([0-9]{1,5}(h|m|s|ms)){1,4}$"
CPU = "^([0-9]{1,10}m|[0-9]{1,7}([.][0-9]{1,3})?)$"
BYTES = "^[0-9]{1,19}([.][0-9]{1,18})?([kMGTPE]|[KMGTPE]i)?$"


def described(doc, schema):
    return {"description": doc, **schema}


def object_schema(model, kind):
    """Everything a CRD may say of an object type; fields in the order of the fragment."""
    schema = {"type": "object"}
    if kind.fields:
        schema["properties"] = {f.name: field_schema(model, f) for f in kind.fields}
    required = [f.name for f in kind.fields if f.required]
    if required:
        schema["required"] = required
    rules = [union_rule(kind.unions()[name]) for name in kind.unions()]
    rules += [{"rule": f"self.{f.name} == oldSelf.{f.name}", "message": f"{f.name} cannot be changed"}
              for f in kind.fields if f.immutable]
    if rules:
        schema["x-kubernetes-validations"] = rules
    return schema


def union_rule(members):
    names = [m.name for m in members]
    if len(names) == 1:
        return {"rule": f"has(self.{names[0]})", "message": f"needs {names[0]}"}
    given = ", ".join(f"has(self.{name})" for name in names)
    return {"rule": f"[{given}].filter(x, x).size() == 1",
            "message": f"needs exactly one of {', '.join(names[:-1])} and {names[-1]}"}


def field_schema(model, field):
    schema = described(field.doc, value_schema(model, field.value))
    if field.has_default:
        schema["default"] = field.default
    return schema


def value_schema(model, value):
    if value.type == "list":
        return list_schema(model, value)
    if value.type == "map":
        return {"type": "object", "maxProperties": value.max_size,
                "additionalProperties": value_schema(model, value.item)}
    basic = {
        "string": lambda: text_schema(model, value),
        "integer": lambda: bounded(value, {"type": "integer", "format": "int64"}),
        "boolean": lambda: {"type": "boolean"},
        "duration": lambda: {"type": "string", "maxLength": 32, "pattern": DURATION},
        "cpu": lambda: {"x-kubernetes-int-or-string": True, "pattern": CPU},
        "bytes": lambda: {"x-kubernetes-int-or-string": True, "pattern": BYTES},
        "time": lambda: {"type": "string", "format": "date-time"},
        "value": lambda: {"x-kubernetes-preserve-unknown-fields": True},
    }
    if value.type in basic:
        return basic[value.type]()
    named = model.types[value.type]
    if isinstance(named, EnumType):
        return {"type": "string", "enum": list(named.values)}
    assert isinstance(named, ObjectType)
    return object_schema(model, named)


def bounded(value, schema):
    if value.minimum is not None:
        schema["minimum"] = value.minimum
    if value.maximum is not None:
        schema["maximum"] = value.maximum
    return schema


def text_schema(model, value):
    schema = {"type": "string"}
    if value.min_size:
        schema["minLength"] = value.min_size
    schema["maxLength"] = value.max_size
    if value.format:
        pattern = model.formats[value.format]["pattern"]
        # A text with a hole has its form only when the hole is filled in.
        schema["pattern"] = f"({pattern})|[$][{{][{{]" if value.reference else pattern
    return schema


def list_schema(model, value):
    schema = {"type": "array"}
    if value.min_size:
        schema["minItems"] = value.min_size
    schema["maxItems"] = value.max_size
    schema["items"] = value_schema(model, value.item)
    if value.key:
        schema["x-kubernetes-list-type"] = "map"
        schema["x-kubernetes-list-map-keys"] = [value.key]
    else:
        schema["x-kubernetes-list-type"] = "set" if value.unique else "atomic"
    return schema


def definition(model, resource):
    label = model.formats["label"]
    properties = {
        "apiVersion": {"type": "string", "description": "The version of this schema."},
        "kind": {"type": "string", "description": f"Always {resource.name}."},
        # Nothing but the name may be said of metadata, not even a description.
        "metadata": {"type": "object", "properties": {
            "name": {"type": "string", "maxLength": label["maxLength"], "pattern": label["pattern"]}}},
        "spec": described(model.types[resource.spec].doc, object_schema(model, model.types[resource.spec])),
    }
    version = {"name": VERSION, "served": True, "storage": True,
               "additionalPrinterColumns": [{"name": c["name"], "type": c["type"], "jsonPath": c["path"]}
                                            for c in resource.columns]}
    if resource.status:
        status = model.types[resource.status]
        properties["status"] = described(status.doc, object_schema(model, status))
        version["subresources"] = {"status": {}}
    version["schema"] = {"openAPIV3Schema": {"description": resource.doc, "type": "object",
                                             "required": ["spec"], "properties": properties}}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{GROUP}"},
        "spec": {
            "group": GROUP, "scope": "Namespaced",
            "names": {"kind": resource.name, "listKind": resource.name + "List", "plural": resource.plural,
                      "singular": resource.name.lower(), "shortNames": resource.short_names},
            "versions": [version],
        },
    }
    return ("# Generated from the fragments in manifest/ by tools/generate.py. Do not edit.\n" +
            yaml.dump(crd, Dumper=Plain, sort_keys=False, allow_unicode=True, width=110))


class Plain(yaml.SafeDumper):
    """Without anchors, and lists indented below their key, as yamllint wants them."""

    def ignore_aliases(self, data):
        return True

    def increase_indent(self, flow=False, indentless=False):
        return super().increase_indent(flow, False)
