#!/usr/bin/env python3
"""The generator refuses fragments it does not understand, and what it makes of ours can be used."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True

import yaml  # noqa: E402

from generation import crd, model, openapi  # noqa: E402

MOST_BYTES = 200 * 1024  # kubectl apply keeps a copy in an annotation of at most 256 KiB


def nodes(schema):
    """Every schema within a schema, itself included."""
    yield schema
    for child in [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]:
        if isinstance(child, dict):
            yield from nodes(child)


class Fragments(unittest.TestCase):
    """A copy of the fragments, with one thing changed."""

    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        shutil.copytree(ROOT / "manifest", self.root / "manifest",
                        ignore=shutil.ignore_patterns("*.cpp", "*.h", "generated", "testdata"))

    def change(self, name, old, new):
        path = self.root / "manifest" / name
        text = path.read_text(encoding="utf-8")
        self.assertIn(old, text)
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def generate(self, *arguments):
        return subprocess.run([sys.executable, ROOT / "tools/generate.py", "--root", self.root, *arguments],
                              capture_output=True, text=True, check=False)

    def test_each_mistake_is_refused_by_name(self):
        for name, old, new, said in [
                ("kinds/query.yaml", "language: sql", "langauge: sql", "unknown key langauge"),
                ("kinds/query.yaml", "type: DatasetTarget", "type: DatasetTarge", "unknown type DatasetTarge"),
                ("kinds/query.yaml", "maxLength: 262144", "minimum: 0", "needs maxLength"),
                ("kinds/query.yaml", "runsIn: Runner", "runsIn: Nowhere", "runsIn is Runner or Command"),
                ("kinds/deliver.yaml", "format: name", "format: nmae", "unknown format nmae"),
                ("kinds/deliver.yaml", "Where it goes.", "Where it goes", "ends with a dot"),
                ("kinds/command.yaml", "        maxItems: 256\n", "", "needs maxItems"),
                ("kinds/ingest.yaml", "  Quarantine:", "  IngestSource:", "IngestSource is given twice"),
                ("kinds/ingest.yaml", "  Quarantine:", "  Destination:", "a second type of this name"),
                ("resources/workflow.yaml", "{type: ResourceAmounts, default: {}, doc: \"The first", "{type: Resources, default: {}, doc: \"The first", "holds itself"),
        ]:
            with self.subTest(said):
                original = (self.root / "manifest" / name).read_text(encoding="utf-8")
                self.change(name, old, new)
                done = self.generate()
                (self.root / "manifest" / name).write_text(original, encoding="utf-8")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(said, done.stderr)

    def test_check_names_what_is_stale(self):
        self.assertEqual(self.generate().returncode, 0)
        self.assertEqual(self.generate("--check").returncode, 0)
        self.change("kinds/query.yaml", "fails when the statement", "fails if the statement")
        done = self.generate("--check")
        self.assertEqual(done.returncode, 1)
        self.assertIn("stale crds/workflows.yaml", done.stdout)
        self.assertIn("stale docs/reference.md", done.stdout)
        self.assertNotIn("workflowruns", done.stdout)

    def test_a_new_kind_is_a_new_fragment(self):
        (self.root / "manifest/kinds/sleep.yaml").write_text(
            "kind: sleep\ntype: SleepTask\ndoc: Does nothing for a while.\n"
            "traits: {runsIn: Runner, checkpoints: false}\n"
            "types:\n  SleepTask:\n    doc: Does nothing for a while.\n    fields:\n"
            "      duration: {type: duration, required: true, doc: How long.}\n", encoding="utf-8")
        self.assertEqual(self.generate().returncode, 0)
        types = (self.root / "manifest/generated/types.h").read_text(encoding="utf-8")
        self.assertIn("std::variant<CommandTask, DeliverTask, IngestTask, QueryTask, SleepTask> kind", types)
        self.assertIn("has(self.sleep)", (self.root / "crds/workflows.yaml").read_text(encoding="utf-8"))


class Outputs(unittest.TestCase):
    def setUp(self):
        self.model = model.load(ROOT)

    def definitions(self):
        return {r.name: crd.definition(self.model, r) for r in self.model.resources}

    def test_definitions_stay_small(self):
        for name, text in self.definitions().items():
            self.assertLess(len(text.encode()), MOST_BYTES, name)

    def test_definitions_are_structural_and_described(self):
        for name, text in self.definitions().items():
            schema = yaml.safe_load(text)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
            # The API server's own, refused with anything but rules for the name.
            metadata = schema["properties"].pop("metadata")
            self.assertEqual(set(metadata), {"type", "properties"})
            self.assertEqual(set(metadata["properties"]), {"name"})
            for node in nodes(schema):
                for key, child in node.get("properties", {}).items():
                    self.assertTrue(child.get("description", "").endswith("."), f"{name}: {key}")
                self.assertNotIn("$ref", node)
                self.assertNotIn("oneOf", node)
                if node.get("type") == "array":
                    self.assertIn("maxItems", node)  # without it the cost of a rule inside has no bound
                untyped = "x-kubernetes-int-or-string" in node or "x-kubernetes-preserve-unknown-fields" in node
                self.assertTrue("type" in node or untyped, f"{name}: {node}")

    def test_components_refer_to_what_there_is(self):
        text = openapi.components(self.model)
        schemas = json.loads(text)["components"]["schemas"]
        for part in text.split('"$ref": "#/components/schemas/')[1:]:
            self.assertIn(part.split('"')[0], schemas)
        self.assertIn("Workflow", schemas)


if __name__ == "__main__":
    unittest.main()
