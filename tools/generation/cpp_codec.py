"""generated/codec.{h,cpp}: structs from checked JSON and back. The hand-written parts are in codec_parts.h."""
from generation.cpp_schema import literal
from generation.cpp_types import HEAD, constant, snake, value_type
from generation.model import EnumType, ObjectType


def header(model):
    lines = []
    for kind in model.ordered():
        name = value_type_of(kind)
        lines.append(f"void decode(const Json& json, {name}& out);\nJson encode(const {name}& value);\n"
                     if isinstance(kind, ObjectType) else
                     f"void decode(const Json& json, {name}& out);\nJson encode({name} value);\n")
    return ("// Between the structs of types.h and JSON that validate() has passed. Inside manifest/ only.\n" + HEAD +
            '#pragma once\n\n#include "manifest/generated/types.h"\n#include "manifest/json.h"\n\n'
            "namespace millrace::manifest::codec {\n\n" + "".join(lines) +
            "\n}  // namespace millrace::manifest::codec\n")


def value_type_of(kind):
    return kind.cpp["type"] if isinstance(kind, EnumType) and kind.cpp else kind.name


def source(model):
    out = ["// Structs from JSON that validate() has passed, and back.\n", HEAD,
           '#include "manifest/generated/codec.h"\n\n#include <array>\n#include <utility>\n\n'
           '#include "base/overloaded.h"\n#include "manifest/codec_parts.h"\n\n'
           "namespace millrace::manifest {\n\n"]
    for kind in model.ordered():
        if isinstance(kind, EnumType) and not kind.cpp:
            out.append(enum_text(kind))
    out.append(kinds(model))
    out.append("namespace codec {\n\n")
    for kind in model.ordered():
        out.append(enum_codec(kind) if isinstance(kind, EnumType) else struct_codec(model, kind))
    out.append("}  // namespace codec\n}  // namespace millrace::manifest\n")
    return "".join(out)


def enum_text(kind):
    cases = "".join(f"    case {kind.name}::{constant(name)}: return {literal(name)};\n" for name in kind.values)
    return (f"std::string_view to_string({kind.name} value) {{\n  switch (value) {{\n{cases}  }}\n"
            '  return "Unknown";\n}\n\n')


def enum_codec(kind):
    name = value_type_of(kind)
    count = len(kind.values)
    rows = "".join(f"      {{{literal(n)}, {name}::{constant(n)}}},\n" for n in kind.values)
    return (f"void decode(const Json& json, {name}& out) {{\n"
            f"  static constexpr std::array<std::pair<std::string_view, {name}>, {count}> kNames{{{{\n{rows}  }}}};\n"
            "  decode_enum(json, kNames, out);\n}\n"
            f"Json encode({name} value) {{ return std::string(to_string(value)); }}\n\n")


def struct_codec(model, kind):
    unions = kind.unions()
    into, outof = [], []
    for field in kind.fields:
        if field.one_of:
            continue
        call = "list" if field.value.type == "list" else "map" if field.value.type == "map" else "field"
        into.append(f"  decode_{call}(json, {literal(field.name)}, out.{snake(field.name)});\n")
        outof.append(f"  encode_{call}(json, {literal(field.name)}, value.{snake(field.name)});\n")
    for union, members in unions.items():
        first = "  "
        for index, field in enumerate(members):
            into.append(f"{first}if (auto it = json.find({literal(field.name)}); it != json.end())\n"
                        f"    decode(*it, out.{snake(union)}.emplace<{index}>());\n")
            first = "  else "
        cases = "".join(
            f"                 [&](const {value_type(model, f.value)}& one) {{ json[{literal(f.name)}] = encode(one); }},\n"
            for f in members)
        outof.append(f"  std::visit(Overloaded{{\n{cases}             }}, value.{snake(union)});\n")
    for derived in [d for k in model.kinds if k.type == kind.name for d in k.derived]:
        target = ".".join(snake(part) for part in derived["field"].split("."))
        origin = ".".join(snake(part) for part in derived["from"].split("."))
        into.append(f"  if (out.{target}.empty()) out.{target} = out.{origin} + {literal(derived['suffix'])};\n")
    unused_in = "" if kind.fields else "  static_cast<void>(json);\n  static_cast<void>(out);\n"
    unused_out = "" if kind.fields else "  static_cast<void>(value);\n"
    return (f"void decode(const Json& json, {kind.name}& out) {{\n{unused_in}{''.join(into)}}}\n"
            f"Json encode(const {kind.name}& value) {{\n{unused_out}  Json json = Json::object();\n"
            f"{''.join(outof)}  return json;\n}}\n\n")


def kinds(model):
    names = "".join(f"    case TaskKind::{constant(k.name)}: return {literal(k.name)};\n" for k in model.kinds)
    traits = "".join(f"    {{RunsIn::{constant(k.traits['runsIn'])}, {str(k.traits['checkpoints']).lower()}}},  // {k.name}\n"
                     for k in model.kinds)
    return (f"std::string_view to_string(TaskKind kind) {{\n  switch (kind) {{\n{names}  }}\n"
            '  return "unknown";\n}\n\n'
            "TaskKind kind_of(const Task& task) { return static_cast<TaskKind>(task.kind.index()); }\n\n"
            "const KindTraits& traits_of(TaskKind kind) {\n"
            f"  static constexpr std::array<KindTraits, {len(model.kinds)}> kTraits{{{{\n{traits}  }}}};\n"
            "  return kTraits.at(static_cast<std::size_t>(kind));\n}\n\n")
