"""The schema fragments of manifest/ as objects: types with fields, resources, task kinds, formats.

Everything that is made from the fragments is made from this model, so whatever it accepts, every
output understands; a key that it does not know is an error, as in the manifests themselves.
"""
import pathlib
import re
from dataclasses import dataclass, field as member

import yaml

BASIC = ("string", "integer", "boolean", "duration", "cpu", "bytes", "time", "value")
MAX_TEXT = 1 << 20  # a document is no larger

TYPE_KEYS = {"doc", "fields", "enum", "cpp", "extends", "kinds"}
VALUE_KEYS = {"format", "reference", "language", "access", "minimum", "maximum", "minLength", "maxLength"}
FIELD_KEYS = VALUE_KEYS | {
    "type", "items", "doc", "required", "default", "oneOf", "minItems", "maxItems", "unique", "key",
    "immutable", "derived", "presence"}


class FragmentError(Exception):
    """A fragment that says something the model does not know, or says it wrongly."""


@dataclass
class Value:
    """What may stand at one place: a basic type, a named type, a list or a map of them."""
    type: str
    format: str = ""
    reference: bool = False
    language: str = ""
    access: str = ""
    minimum: int | None = None
    maximum: int | None = None
    min_size: int | None = None  # characters, items or entries
    max_size: int | None = None
    unique: bool = False
    key: str = ""
    item: "Value | None" = None  # of a list or a map


@dataclass
class Field:
    name: str
    doc: str
    value: Value
    required: bool = False
    default: object = None
    has_default: bool = False
    one_of: str = ""
    immutable: bool = False
    derived: bool = False
    presence: bool = False  # a list for which absent and empty differ


@dataclass
class ObjectType:
    name: str
    doc: str
    fields: list
    kinds: str = ""  # the union that holds one field per task kind

    def unions(self):
        """Union name -> its fields, in the order of the fragment."""
        found = {}
        for field in self.fields:
            if field.one_of:
                found.setdefault(field.one_of, []).append(field)
        return found


@dataclass
class EnumType:
    name: str
    doc: str
    values: dict
    cpp: dict = member(default_factory=dict)


@dataclass
class Resource:
    name: str
    doc: str
    plural: str
    spec: str
    status: str = ""
    short_names: list = member(default_factory=list)
    columns: list = member(default_factory=list)
    types: list = member(default_factory=list)  # names, in the order of the fragment


@dataclass
class Kind:
    name: str
    doc: str
    type: str
    traits: dict
    derived: list
    types: list


@dataclass
class Model:
    formats: dict
    types: dict  # name -> ObjectType | EnumType
    resources: list
    kinds: list
    shared: list

    def ordered(self):
        """All types, each after those it holds."""
        done, order = set(), []

        def visit(name, above):
            if name in BASIC or name in done:
                return
            if name in above:
                raise FragmentError(f"type {name} holds itself: {' -> '.join(above + (name,))}")
            kind = self.types[name]
            if isinstance(kind, ObjectType):
                for field in kind.fields:
                    visit((field.value.item or field.value).type, above + (name,))
            done.add(name)
            order.append(kind)

        for name in self.types:
            visit(name, ())
        return order


class _Loader(yaml.SafeLoader):
    """Without this, PyYAML takes the second of two equal keys."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise FragmentError(f"line {node.start_mark.line + 1}: {key} is given twice")
        return super().construct_mapping(node, deep)


def read(path):
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except FragmentError as error:
        raise FragmentError(f"{path}: {error}") from error


def load(root):
    """Reads every fragment below root/manifest."""
    folder = pathlib.Path(root) / "manifest"
    model = Model(formats=read(folder / "formats.yaml"), types={}, resources=[], kinds=[], shared=[])
    shared = read(folder / "shared.yaml")
    model.shared = _add_types(model, shared["types"], folder / "shared.yaml")
    for path in sorted((folder / "resources").glob("*.yaml")):
        _add_resource(model, read(path), path)
    for path in sorted((folder / "kinds").glob("*.yaml")):
        _add_kind(model, read(path), path)
    _expand(model)
    _check(model)
    return model


def _only(where, mapping, allowed):
    unknown = set(mapping) - set(allowed)
    if unknown:
        raise FragmentError(f"{where}: unknown key {sorted(unknown)[0]}")


def _add_resource(model, text, path):
    _only(path, text, {"resource", "plural", "shortNames", "doc", "spec", "status", "columns", "types"})
    names = _add_types(model, text["types"], path)
    model.resources.append(Resource(
        name=text["resource"], doc=text["doc"], plural=text["plural"], spec=text["spec"],
        status=text.get("status", ""), short_names=text.get("shortNames", []),
        columns=text.get("columns", []), types=names))


def _add_kind(model, text, path):
    _only(path, text, {"kind", "type", "doc", "traits", "derived", "types"})
    _only(f"{path}: traits", text["traits"], {"runsIn", "checkpoints"})
    if text["traits"]["runsIn"] not in ("Runner", "Command"):
        raise FragmentError(f"{path}: runsIn is Runner or Command")
    names = _add_types(model, text["types"], path)
    model.kinds.append(Kind(name=text["kind"], doc=text["doc"], type=text["type"], traits=text["traits"],
                            derived=text.get("derived", []), types=names))


def _add_types(model, types, path):
    for name, body in types.items():
        where = f"{path}: {name}"
        _only(where, body, TYPE_KEYS)
        if name in model.types:
            raise FragmentError(f"{where}: a second type of this name")
        if "enum" in body:
            model.types[name] = EnumType(name, body["doc"], body["enum"], body.get("cpp", {}))
            continue
        fields = [_field(f"{where}.{key}", key, value) for key, value in body["fields"].items()]
        model.types[name] = ObjectType(name, body["doc"], fields, body.get("kinds", ""))
        if "extends" in body:
            base = model.types[body["extends"]]
            model.types[name].fields = list(base.fields) + fields
    return list(types)


def _field(where, name, body):
    _only(where, body, FIELD_KEYS)
    spelled = body["type"]
    container = re.fullmatch(r"\[(\w+)\]|\{(\w+)\}", spelled)
    if container:
        inner = dict(body.get("items", {}))
        _only(f"{where}.items", inner, VALUE_KEYS)
        value = Value(type="list" if spelled[0] == "[" else "map",
                      item=_value(container.group(1) or container.group(2), inner),
                      min_size=body.get("minItems"), max_size=body.get("maxItems"),
                      unique=body.get("unique", False), key=body.get("key", ""))
        if value.max_size is None:
            raise FragmentError(f"{where}: a list or map needs maxItems")
    else:
        value = _value(spelled, body)
    doc = str(body["doc"])
    if not doc.endswith("."):
        raise FragmentError(f"{where}: the doc is a sentence and ends with a dot")
    return Field(name=name, doc=doc, value=value, required=body.get("required", False),
                 default=body.get("default"), has_default="default" in body, one_of=body.get("oneOf", ""),
                 immutable=body.get("immutable", False), derived=body.get("derived", False),
                 presence=body.get("presence", False))


def _value(spelled, body):
    return Value(type=spelled, format=body.get("format", ""), reference=body.get("reference", False),
                 language=body.get("language", ""), access=body.get("access", ""),
                 minimum=body.get("minimum"), maximum=body.get("maximum"),
                 min_size=body.get("minLength"), max_size=body.get("maxLength"))


def _expand(model):
    """Gives the type that lists the task kinds one field per kind."""
    for kind in model.types.values():
        if isinstance(kind, ObjectType) and kind.kinds:
            kind.fields += [Field(name=k.name, doc=k.doc, value=Value(type=k.type), one_of=kind.kinds)
                            for k in model.kinds]


def _check(model):
    for kind in model.types.values():
        if not kind.doc.endswith("."):
            raise FragmentError(f"{kind.name}: the doc is a sentence and ends with a dot")
        if isinstance(kind, EnumType):
            continue
        for field in kind.fields:
            _check_field(model, f"{kind.name}.{field.name}", field)


def _check_field(model, where, field):
    value = field.value.item or field.value
    if value.type not in BASIC and value.type not in model.types:
        raise FragmentError(f"{where}: unknown type {value.type}")
    if value.format and value.format not in model.formats:
        raise FragmentError(f"{where}: unknown format {value.format}")
    if value.format and value.max_size is None:
        value.max_size = model.formats[value.format]["maxLength"]
    if value.type == "string" and value.max_size is None:
        raise FragmentError(f"{where}: text needs maxLength or a format")
    if value.access not in ("", "read", "write") or value.language not in ("", "sql"):
        raise FragmentError(f"{where}: access is read or write, language is sql")
    if value.reference and value.type != "string":
        raise FragmentError(f"{where}: only text takes references")
    if sum([field.required, field.has_default, bool(field.one_of), field.derived]) > 1:
        raise FragmentError(f"{where}: one of required, default, oneOf, derived")
