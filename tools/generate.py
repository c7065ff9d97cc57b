#!/usr/bin/env python3
"""Makes everything that follows from the schema fragments in manifest/.

  tools/generate.py           writes what has changed and names it
  tools/generate.py --check   writes nothing, names what is stale, exits 1 if anything is

A fragment is YAML: manifest/resources/*.yaml (a resource each), manifest/kinds/*.yaml (a task kind each),
manifest/shared.yaml (types that several use) and manifest/formats.yaml (named forms of text).
  types: TYPE: {doc, fields: FIELD: …} or {doc, enum: VALUE: doc}
  extends: TYPE     begins with the fields of that type
  kinds: UNION      adds one field per task kind, exactly one of which must be given
A field: {type, doc} and
  type       string, integer, boolean, duration, cpu, bytes, time, value (untyped), a TYPE;
             "[T]" is a list, "{T}" a map, whose items are described by `items`
  required, default, derived (the kind's `derived` list says from what)
  oneOf      the name of a union: exactly one of its fields is given
  format     a form of manifest/formats.yaml; minLength, maxLength; minimum, maximum
  minItems, maxItems, unique, key (the items are told apart by this field)
  reference  ${{…}} may stand in the text;  language: sql;  access: read | write (a dataset's name)
  immutable  a change is refused;  presence: absent and empty differ
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from generation import cpp_codec, cpp_schema, cpp_types, crd, model, openapi, reference  # noqa: E402


def outputs(root):
    """Path below the root -> text, for everything that is generated."""
    fragments = model.load(root)
    made = {
        "manifest/generated/types.h": cpp_types.header(fragments),
        "manifest/generated/codec.h": cpp_codec.header(fragments),
        "manifest/generated/codec.cpp": cpp_codec.source(fragments),
        "manifest/generated/formats.h": cpp_schema.formats(fragments),
        "manifest/generated/schema.h": cpp_schema.header(fragments),
        "manifest/generated/schema.cpp": cpp_schema.source(fragments),
        "manifest/generated/openapi.json": openapi.components(fragments),
        "docs/reference.md": reference.page(fragments),
    }
    for resource in fragments.resources:
        made[f"crds/{resource.plural}.yaml"] = crd.definition(fragments, resource)
    return made


def main():
    parser = argparse.ArgumentParser(description="Makes what follows from the fragments in manifest/.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if anything is stale")
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parent.parent, type=pathlib.Path)
    arguments = parser.parse_args()
    try:
        made = outputs(arguments.root)
    except model.FragmentError as error:
        print(f"generate: {error}", file=sys.stderr)
        return 2
    stale = []
    for name, text in made.items():
        path = arguments.root / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{'stale' if arguments.check else 'wrote'} {name}")
    if stale and arguments.check:
        print("generate: run `make generate` and commit what it writes", file=sys.stderr)
    return 1 if stale and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
