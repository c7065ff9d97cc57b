"""generated/formats.h and generated/schema.{h,cpp}: the fragments as constant tables."""
import json

from generation.cpp_types import HEAD, constant
from generation.model import EnumType, ObjectType

SHAPES = {"string": "kText", "integer": "kInteger", "boolean": "kBoolean", "duration": "kDuration",
          "cpu": "kCpu", "bytes": "kBytes", "time": "kTime", "value": "kValue", "list": "kList", "map": "kMap"}


def literal(text):
    """A C++ string literal; JSON's escapes are C++'s too for what the fragments hold."""
    return json.dumps(text, ensure_ascii=False)


def camel(name):
    return "k" + "".join(word[0].upper() + word[1:] for word in name.split("_"))


def formats(model):
    values = "".join(f"  {camel(name)},\n" for name in model.formats)
    return ("// Named forms of text, as manifest/formats.yaml lists them. manifest/formats.h decides them.\n" + HEAD +
            "#pragma once\n\n#include <cstdint>\n#include <span>\n#include <string_view>\n\n"
            "namespace millrace::manifest {\n\n"
            f"enum class Format : std::uint8_t {{\n  kNone,\n{values}}};\n\n"
            "struct FormatInfo {\n  Format format;\n  std::string_view name;\n"
            "  std::string_view pattern;  // RE2 and ECMAScript alike, anchored\n"
            "  std::string_view what;     // \"a name\"\n  std::string_view rule;     // what to do, as a hint\n};\n"
            "// Without kNone, in the order of the enumeration.\n"
            "std::span<const FormatInfo> format_infos();\n\n"
            "}  // namespace millrace::manifest\n")


def header(model):
    objects = "".join(f"extern const ObjectSchema k{t.name}Schema;\n"
                      for t in model.ordered() if isinstance(t, ObjectType))
    return ("// The tables of manifest/schema.h, one object per type, and the resources.\n" + HEAD +
            '#pragma once\n\n#include <span>\n\n#include "manifest/schema.h"\n\n'
            f"namespace millrace::manifest {{\n\n{objects}\n"
            "std::span<const ResourceSchema> resource_schemas();\n\n}  // namespace millrace::manifest\n")


def source(model):
    out = ["// The tables of manifest/schema.h.\n", HEAD, '#include "manifest/generated/schema.h"\n\n',
           "#include <array>\n\nnamespace millrace::manifest {\nnamespace {\n\n"]
    rows = "".join(
        f"    {{Format::{camel(name)}, {literal(name)}, {literal(info['pattern'])},\n"
        f"     {literal(info['is'])}, {literal(info['rule'])}}},\n" for name, info in model.formats.items())
    out.append(f"constexpr std::array<FormatInfo, {len(model.formats)}> kFormats{{{{\n{rows}}}}};\n\n")
    objects = []
    for kind in model.ordered():
        if isinstance(kind, EnumType):
            rows = "".join(f"    {{{literal(name)}, {literal(doc)}}},\n" for name, doc in kind.values.items())
            out.append(f"constexpr EnumValueSchema k{kind.name}Values[] = {{\n{rows}}};\n"
                       f"constexpr EnumSchema k{kind.name}Enum{{{literal(kind.name)}, {literal(kind.doc)}, "
                       f"k{kind.name}Values}};\n\n")
            continue
        objects.append(kind)
        out.append(fields(model, kind))
    out.append("}  // namespace\n\n")
    for kind in objects:
        span = f"k{kind.name}Fields" if kind.fields else "{}"
        out.append(f"const ObjectSchema k{kind.name}Schema{{{literal(kind.name)}, {literal(kind.doc)}, {span}}};\n")
    rows = "".join(f"    {{{literal(r.name)}, {literal(r.plural)}, {literal(r.doc)}, &k{r.spec}Schema}},\n"
                   for r in model.resources)
    out.append(f"\nnamespace {{\nconstexpr std::array<ResourceSchema, {len(model.resources)}> kResources{{{{\n{rows}}}}};\n"
               "}  // namespace\n\n"
               "std::span<const FormatInfo> format_infos() { return kFormats; }\n"
               "std::span<const ResourceSchema> resource_schemas() { return kResources; }\n\n"
               "}  // namespace millrace::manifest\n")
    return "".join(out)


def fields(model, kind):
    if not kind.fields:
        return ""
    items, rows = [], []
    for field in kind.fields:
        item = ""
        if field.value.item:
            item = f"k{kind.name}{field.name[0].upper()}{field.name[1:]}Item"
            items.append(f"constexpr ValueSchema {item}{{{value(model, field.value.item)}}};\n")
        parts = [f".name = {literal(field.name)}", f".doc = {literal(field.doc)}",
                 f".value = {{{value(model, field.value, item)}}}"]
        if field.required:
            parts.append(".required = true")
        if field.has_default:
            parts.append(f".default_json = {literal(json.dumps(field.default))}")
        if field.one_of:
            parts.append(f".one_of = {literal(field.one_of)}")
        rows.append("    {" + ",\n     ".join(parts) + "},\n")
    return "".join(items) + f"constexpr FieldSchema k{kind.name}Fields[] = {{\n{''.join(rows)}}};\n\n"


def value(model, v, item=""):
    named = model.types.get(v.type)
    shape = SHAPES.get(v.type) or ("kEnum" if isinstance(named, EnumType) else "kObject")
    parts = [f".shape = Shape::{shape}"]
    if v.format:
        parts.append(f".format = Format::{camel(v.format)}")
    if v.access:
        parts.append(f".access = Access::{constant(v.access)}")
    for flag, on in (("reference", v.reference), ("sql", v.language == "sql"), ("unique", v.unique)):
        if on:
            parts.append(f".{flag} = true")
    for name, number in (("minimum", v.minimum), ("maximum", v.maximum), ("min_size", v.min_size),
                         ("max_size", v.max_size)):
        if number is not None:
            parts.append(f".{name} = {number}")
    if v.key:
        parts.append(f".key = {literal(v.key)}")
    if isinstance(named, ObjectType):
        parts.append(f".object = &k{v.type}Schema")
    if isinstance(named, EnumType):
        parts.append(f".enumeration = &k{v.type}Enum")
    if item:
        parts.append(f".item = &{item}")
    return ", ".join(parts)
