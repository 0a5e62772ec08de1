"""Faults in what carries the point: graph, with its guard and without, bundle, manifest, values."""

from __future__ import annotations

from benchmarks.mutants.fault import Mutant

GRAPH, BUNDLE, MANIFEST = "models/graph.py", "models/bundle.py", "models/manifest.py"
VALUE, VERIFY = "models/value.py", "models/verify.py"
UNGUARDED, SHORTER = "models/unguarded.py", "models/shorter.py"

TESTS = {
    GRAPH: ["models/test_graph.py"],
    BUNDLE: ["models/test_bundle.py"],
    MANIFEST: ["models/test_manifest.py", "models/test_bundle.py"],
    VALUE: ["models/test_value.py"],
    VERIFY: ["models/test_verify.py"],
    UNGUARDED: ["models/test_unguarded.py", "models/test_shorter.py"],
    SHORTER: ["models/test_shorter.py"],
}

MUTANTS = [
    Mutant(GRAPH, 'helper.make_node("Less", ["probability", limit]', 'helper.make_node("LessOrEqual", ["probability", limit]', "a row on the threshold not flagged"),
    Mutant(GRAPH, '("And", ["not_low", "not_high"], "inside")', '("Or", ["not_low", "not_high"], "inside")', "range not checked"),
    Mutant(GRAPH, '("LessOrEqual", ["columns", "high"]', '("Less", ["columns", "high"]', "the highest value refused"),
    Mutant(GRAPH, '"unwhole", ~schema.whole', '"unwhole", schema.whole', "fractions of categories let through"),
    Mutant(GRAPH, '"fillable", schema.may_be_empty', '"fillable", schema.may_be_empty | True', "NaN let through everywhere"),
    Mutant(GRAPH, '"ReduceMin"', '"ReduceMax"', "one good cell makes a good row"),
    Mutant(GRAPH, '"Where", [GOOD_ROW, name, _own("nan")]', '"Where", [GOOD_ROW, name, name]', "guard of bad rows dropped"),
    Mutant(GRAPH, "calibration.intercept - calibration.slope * undo", "calibration.intercept - undo", "undo after the slope"),
    Mutant(GRAPH, 'nodes = [_own("lost"), _own("nan"), _own("share")]', 'graph.node.append(helper.make_node("Sigmoid", ["logit"], ["s"]))\n    nodes = [_own("lost"), _own("nan"), "s"]', "the runtime's coarse sigmoid"),
    Mutant(GRAPH, "if float32(value) != value:", "if False:", "a threshold the graph can not hold"),
    Mutant(GRAPH, '"Sub", ["odds_asked", "odds_own"]', '"Sub", ["odds_own", "odds_asked"]', "shift the wrong way"),
    Mutant(GRAPH, "if threshold is not None and clear_below in {None, threshold}:", "if threshold is not None and clear_below is None:", "a zone of nothing"),
    Mutant(GRAPH, "if not places and value != NO_ZONE:", "if False:", "a zone that the graph does not have"),
    Mutant(GRAPH, '"And", [_own("below"), _own("cleared")], ["negative"]', '"Or", [_own("below"), _own("cleared")], ["negative"]', "the undecided cleared"),
    Mutant(BUNDLE, "if sha256(contents[name]) != digest:", "if False:", "digests not checked"),
    Mutant(BUNDLE, "if not _says(", "if False and not _says(", "metadata not compared"),
    Mutant(BUNDLE, "if baked.get(name, graph.NO_ZONE) != want:", "if False:", "baked settings not compared"),
    Mutant(BUNDLE, '("clear_below", manifest.point.clear_below if manifest.point.has_zone else graph.NO_ZONE),', "", "the baked zone not compared"),
    Mutant(BUNDLE, "if set(document.files) != {GRAPH, CARD}:", "if False:", "a file more or less"),
    Mutant(BUNDLE, "        _swap(beside, folder)", "        shutil.copytree(beside, folder, dirs_exist_ok=True)", "written in place"),
    Mutant(BUNDLE, "        shutil.rmtree(beside, ignore_errors=True)", "        pass", "the old bundle left beside"),
    Mutant(BUNDLE, 'if graph.defaults(model)["threshold"] != manifest.point.threshold:', "if False:", "a threshold of another model"),
    Mutant(BUNDLE, "folder.chmod(0o755)", "folder.chmod(0o700)", "readable by its writer only"),
    Mutant(BUNDLE, "    folder.rename(aside)\n", "    shutil.copytree(folder, aside)\n", "the old bundle in the way"),
    Mutant(MANIFEST, "if asked != made:", "if False:", "a point of another contract"),
    Mutant(MANIFEST, 'if step != "manifest"', 'if step != "points"', "a path that leads nowhere"),
    Mutant(MANIFEST, "if curve and curve.prevalence != self.prevalence:", "if False:", "a curve stated at another prevalence"),
    Mutant(MANIFEST, "if len(set(names)) < len(names):", "if False:", "two points of one name"),
    Mutant(MANIFEST, 'data.get("format") not in {1, 2}', 'data.get("format") != 2', "the first format no longer read"),
    Mutant(MANIFEST, "if symptom.name in columns.by_name:", "if False:", "a symptom called like a column"),
    Mutant(VALUE, 'extra="forbid"', 'extra="ignore"', "unknown fields dropped silently"),
    Mutant(VALUE, "allow_inf_nan=False", "allow_inf_nan=True", "NaN in a manifest"),
    Mutant(VALUE, "polymorphic_serialization=True", "polymorphic_serialization=False", "a base-class field written as {}"),
    Mutant(VALUE, 'return {"kind": type(self).__name__, **fields(self)}', "return fields(self)", "a member without its name"),
    Mutant(VERIFY, "passed=apart <= TOLERANCE", "passed=True", "probabilities not compared"),
    Mutant(VERIFY, "passed=not flipped", "passed=True", "decisions not compared"),
    Mutant(VERIFY, "if point.measured.counts != manifest.curve.at(point.threshold)", "if False", "counts that do not follow from the curve"),
    Mutant(UNGUARDED, " and node.input[0] == GOOD_ROW:", ":", "empty cells no longer filled"),
    Mutant(UNGUARDED, "[node.input[1]]", "[node.input[2]]", "the branch of bad rows kept"),
    Mutant(UNGUARDED, "    _drop_unused(found.graph)\n", "", "the guard still computed"),
    Mutant(UNGUARDED, "if wanted.isdisjoint(node.output) and all(name.startswith(OWN) for name in node.output):", "if wanted.isdisjoint(node.output):", "parts of a network dropped"),
    Mutant(UNGUARDED, "    shorten(found.graph)\n", "", "the long way taken"),
    Mutant(SHORTER, "not _side_by_side(places)", "False", "columns cut out that lie apart"),
    Mutant(SHORTER, "(np.diff(places[:, 0]) == 1).all()", "True", "what lies between two columns taken too"),
    Mutant(SHORTER, "bool(places[0, 0] >= 0) and ", "", "columns that are counted from the end cut out from the start"),
    Mutant(SHORTER, "turned is None or not _is_turn(turned)", "turned is None", "a table turned another way taken for a turned one"),
    Mutant(SHORTER, "if _is_turn(node) else None", 'if node.op_type == "Transpose" else None', "what is not turned back taken for a table"),
    Mutant(SHORTER, 'bounds["beyond"] == widths.get(table)', "True", "the first columns taken for all"),
    Mutant(SHORTER, "            left[unused] -= 1\n            if left[unused]:\n                break\n", "", "what somebody else takes dropped"),
    Mutant(SHORTER, "(attribute.g, *attribute.graphs)", "attribute.graphs", "what a graph within takes dropped"),
    Mutant(SHORTER, "            gone.add(unused)\n", "            pass\n", "what nobody takes still computed"),
    Mutant(SHORTER, " or taken[filled.output[0]] > 1", "", "what somebody else takes made another thing"),
    Mutant(SHORTER, "node.input[1] != mean or ", "", "another number taken for the mean"),
    Mutant(SHORTER, "empty.input[0] != cells or ", "", "other cells' emptiness taken for theirs"),
    Mutant(SHORTER, " or not np.isfinite(known).all()", "", "endless less endless taken for nothing"),
    Mutant(SHORTER, " if value.name not in given", "", "a value that can be given otherwise taken for constant"),
]  # fmt: skip
