"""docs/reference.md: every field of every manifest, with its type, default and meaning."""
import json

from generation.model import EnumType

INTRODUCTION = """<!-- Generated from the fragments in manifest/ by tools/generate.py. Do not edit. -->
# Manifest reference

A manifest is YAML or JSON: `apiVersion: millrace.io/v1alpha1`, `kind`, `metadata`, `spec`. Several may stand in one
file with `---` between them.

- An unknown field is an error, and so is a field given twice. Nothing is converted: text is no number.
- Text that YAML 1.1 and 1.2 read differently (`NO`, `on`, `012`, `1_000`, `1:30`) wants quotes.
- There are no anchors, aliases or tags. A file has at most 1 MiB and 32 levels.
- Names of tasks, parameters, outputs and datasets: `[a-z][a-z0-9_]*`, at most 63 characters. Names of objects:
  `a-z`, `0-9` and `-`.
- Durations: `30s`, `10m`, `1h30m`. A limit that is not wanted is left out; `0s` is refused. Amounts: `500m` CPU,
  `2Gi` bytes.
- Fields marked *holes* take `${{parameters.NAME}}`, `${{run.id}}` and `${{tasks.NAME.outputs.NAME}}`. Nothing is
  computed in a hole.
"""


def page(model):
    out = [INTRODUCTION]
    placed = set()
    for resource in model.resources:
        out.append(f"\n## {resource.name}\n\n{resource.doc}\n")
        out += sections(model, resource.types, placed)
    out.append("\n## Task kinds\n\n| kind | what it does | runs in |\n|---|---|---|\n")
    out += [f"| [`{k.name}`](#{k.type.lower()}) | {k.doc} | {where(k)} |\n" for k in model.kinds]
    for kind in model.kinds:
        out += sections(model, kind.types, placed)
    out.append("\n## Shared types\n")
    out += sections(model, model.shared, placed)
    return "".join(out)


def where(kind):
    return "a runner" if kind.traits["runsIn"] == "Runner" else "a process of its own"


def sections(model, names, placed):
    for name in names:
        if name in placed:
            continue
        placed.add(name)
        kind = model.types[name]
        yield f"\n### {name}\n\n{kind.doc}\n\n"
        if isinstance(kind, EnumType):
            yield "| value | meaning |\n|---|---|\n"
            yield from (f"| `{value}` | {doc} |\n" for value, doc in kind.values.items())
        elif not kind.fields:
            yield "No fields: write `{}`.\n"
        else:
            for union, members in kind.unions().items():
                yield "Exactly one of " + ", ".join(f"`{m.name}`" for m in members) + ".\n\n"
            yield "| field | type | default | meaning |\n|---|---|---|---|\n"
            yield from (row(model, field) for field in kind.fields)


def row(model, field):
    default = "**required**" if field.required else "one of them" if field.one_of else ""
    if field.has_default:
        default = f"`{json.dumps(field.default, ensure_ascii=False)}`"
    return f"| `{field.name}` | {spelled(model, field.value)} | {default} | {escape(field.doc)} |\n"


def spelled(model, value):
    if value.type == "list":
        return f"list of {spelled(model, value.item)}{limit(value, 'items')}"
    if value.type == "map":
        return f"map to {spelled(model, value.item)}{limit(value, 'entries')}"
    if value.type in model.types:
        return f"[{value.type}](#{value.type.lower()})"
    words = {"string": value.format.replace("_", " ") or "text", "value": "text, integer, boolean or list of texts",
             "cpu": "CPU amount", "bytes": "byte amount"}.get(value.type, value.type)
    if value.language:
        words = "SQL"
    if value.minimum is not None and value.maximum is not None:
        words += f", {value.minimum} to {value.maximum}"
    elif value.minimum is not None:
        words += f", at least {value.minimum}"
    return words + (", holes" if value.reference else "")


def limit(value, what):
    return f" ({value.min_size} to {value.max_size} {what})" if value.min_size else f" (at most {value.max_size})"


def escape(text):
    return text.replace("|", "\\|")
