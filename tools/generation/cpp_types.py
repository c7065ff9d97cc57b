"""generated/types.h: the structs that a valid document becomes."""
import re
import textwrap

from generation.model import EnumType

HEAD = "// Generated from the fragments in manifest/ by tools/generate.py. Do not edit.\n// clang-format off\n"
BASIC_TYPES = {"string": "std::string", "integer": "std::int64_t", "boolean": "bool", "duration": "Micros",
               "cpu": "MilliCpu", "bytes": "Bytes", "time": "std::string", "value": "Value"}
RENAMED = {"default": "default_value", "class": "error_class", "namespace": "ns"}


def snake(name):
    return RENAMED.get(name) or re.sub(r"(?<!^)([A-Z])", lambda m: "_" + m.group(1).lower(), name)


def constant(name):
    """Overwrite -> kOverwrite, objectStore -> kObjectStore."""
    return "k" + name[0].upper() + name[1:]


def comment(text, indent=""):
    return "\n".join(textwrap.wrap(text, 100, initial_indent=indent + "// ",
                                   subsequent_indent=indent + "// ", break_long_words=False)) + "\n"


def value_type(model, value):
    if value.type == "list":
        return f"std::vector<{value_type(model, value.item)}>"
    if value.type == "map":
        return f"std::map<std::string, {value_type(model, value.item)}>"
    if value.type in BASIC_TYPES:
        return BASIC_TYPES[value.type]
    named = model.types[value.type]
    return named.cpp["type"] if isinstance(named, EnumType) and named.cpp else value.type


def is_optional(field):
    """Absent is told from every value by std::optional; a list says it by being empty."""
    if field.presence:
        return True
    return not (field.required or field.has_default or field.derived or field.value.type in ("list", "map"))


def initial(model, field):
    """The default as C++, so that a struct made by hand agrees with a parsed one; {} lets it name some fields only."""
    kind, default = field.value.type, field.default
    if not field.has_default:
        return "{}"
    if kind == "string":
        return ' = "' + default.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if kind == "integer":
        return f" = {default}"
    if kind == "boolean":
        return f" = {str(default).lower()}"
    if kind == "duration":
        return f" = Micros({duration_micros(default)})"
    if isinstance(model.types.get(kind), EnumType):
        return f" = {value_type(model, field.value)}::{constant(default)}"
    return "{}"


def duration_micros(text):
    units = {"h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000}
    return sum(int(n) * units[u] for n, u in re.findall(r"([0-9]+)(h|ms|m|s)", text))


def struct(model, kind):
    lines = [comment(kind.doc), f"struct {kind.name} {{\n"]
    written = set()
    for field in kind.fields:
        if field.one_of:
            if field.one_of in written:
                continue
            written.add(field.one_of)
            members = kind.unions()[field.one_of]
            names = [value_type(model, m.value) for m in members]
            if len(set(names)) != len(names):
                raise ValueError(f"{kind.name}: the union {field.one_of} holds a type twice")
            lines.append(comment("Exactly one: " + ", ".join(m.name for m in members) + ".", "  "))
            lines.append(f"  std::variant<{', '.join(names)}> {snake(field.one_of)}{{}};\n")
            continue
        spelled = value_type(model, field.value)
        if is_optional(field):
            spelled = f"std::optional<{spelled}>"
        if field.value.type in model.types and isinstance(model.types[field.value.type], EnumType) and field.required:
            first = next(iter(model.types[field.value.type].values))
            lines.append(comment(field.doc, "  ") + f"  {spelled} {snake(field.name)} = {spelled}::{constant(first)};\n")
            continue
        lines.append(comment(field.doc, "  ") + f"  {spelled} {snake(field.name)}{initial(model, field)};\n")
    if kind.fields:
        lines.append("\n")
    lines.append(f"  friend bool operator==(const {kind.name}&, const {kind.name}&) = default;\n}};\n\n")
    return "".join(lines)


def enum(kind):
    body = "".join(f"  {constant(name)},  // {doc}\n" for name, doc in kind.values.items())
    return (comment(kind.doc) + f"enum class {kind.name} {{\n{body}}};\n"
            f"std::string_view to_string({kind.name} value);\n\n")


def header(model):
    out = ["// The structs that a valid manifest becomes: every default filled in, unions as variants.\n", HEAD,
           "#pragma once\n\n",
           "#include <cstdint>\n#include <map>\n#include <optional>\n#include <string>\n#include <string_view>\n"
           "#include <variant>\n#include <vector>\n\n",
           '#include "base/error.h"\n#include "base/units.h"\n#include "manifest/value.h"\n\n',
           "namespace millrace::manifest {\n\n"]
    for kind in model.ordered():
        if isinstance(kind, EnumType):
            if not kind.cpp:
                out.append(enum(kind))
        else:
            out.append(struct(model, kind))
    for resource in model.resources:
        out.append(comment(resource.doc) + f"struct {resource.name} {{\n  ObjectMeta metadata{{}};\n"
                   f"  {resource.spec} spec{{}};\n\n"
                   f"  friend bool operator==(const {resource.name}&, const {resource.name}&) = default;\n}};\n\n")
    out.append(kinds(model))
    out.append("}  // namespace millrace::manifest\n")
    return "".join(out)


def kinds(model):
    values = "".join(f"  {constant(k.name)},  // {k.doc}\n" for k in model.kinds)
    return ("// What kind of task it is; in the order of Task::kind's alternatives.\n"
            f"enum class TaskKind {{\n{values}}};\n"
            "std::string_view to_string(TaskKind kind);\n"
            "TaskKind kind_of(const Task& task);\n\n"
            "// Where an attempt of a kind runs.\n"
            "enum class RunsIn {\n"
            "  kRunner,   // in a warm runner process\n"
            "  kCommand,  // in a new process of its own, started by the worker\n"
            "};\n\n"
            "// What the scheduler and the workers need to know of a kind without knowing the kind.\n"
            "struct KindTraits {\n  RunsIn runs_in;\n"
            "  bool checkpoints;  // whether a later attempt goes on where an earlier one stopped\n};\n"
            "const KindTraits& traits_of(TaskKind kind);\n\n")
