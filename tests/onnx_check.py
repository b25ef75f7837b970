#!/usr/bin/env python3
"""Holds a bundle's ONNX graphs to Python's onnx checker, and three engines to the same outputs.

    python3 tests/onnx_check.py --bundle BUNDLE

Makes (and keeps) a virtual environment in ~/.cache/upnext/venv, or in $UPNEXT_CACHE/venv, with onnx,
onnxruntime and numpy from PyPI; runs `upnext-export onnx-vectors BUNDLE`, which prints seeded inputs
with the outputs of tract and of the compact programs; runs onnxruntime on the same inputs.
Ends with one line of counts; fails where a graph is not clean or two outputs differ.
"""

import argparse
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

# Ranges, not pins: each Python version has wheels of some releases only.
REQUIREMENTS = ["onnx>=1.17,<2", "onnxruntime>=1.19,<2", "numpy>=1.26,<3"]
# Largest difference between two engines, as `difference` measures it.
ENGINES = 1e-5
# The compact program is compiled from what tract made of the graph: those two are closer.
COMPACT_TRACT = 1e-6


def cache_directory():
    return Path(os.environ.get("UPNEXT_CACHE") or Path.home() / ".cache" / "upnext").resolve()


def environment():
    """The virtual environment's python, with the packages in it."""
    directory = cache_directory() / "venv"
    python = directory / "bin" / "python"
    stamp = directory / "requirements.txt"
    wanted = "\n".join(REQUIREMENTS) + "\n"
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"onnx-check: making {directory}", flush=True)
    venv.create(directory, with_pip=True, clear=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS]
    subprocess.run(install, check=True)
    # Last, so that an interrupted installation is made again.
    stamp.write_text(wanted)
    return python


def binary(root):
    """`upnext-export` as cargo built it."""
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps", "--offline"]
    metadata = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return Path(json.loads(metadata)["target_directory"]) / "release" / "upnext-export"


def difference(a, b):
    """Largest difference; of a column that reaches beyond 1, as a share of the largest value in it.

    Rounding is a share of the terms that were added, not of what is left of them: a logit near 0 whose column reaches 8
    is off by as much as the 8 is (Higham, Accuracy and Stability of Numerical Algorithms, 2002, 3.1). Infinite where
    shapes or finiteness differ.
    """
    import numpy

    if a.shape != b.shape or not (numpy.isfinite(a).all() and numpy.isfinite(b).all()):
        return float("inf")
    return float((numpy.abs(a - b) / numpy.maximum(1.0, numpy.abs(b).max(axis=0))).max())


def check(graph):
    """Problems of one graph, and a line that says what was measured."""
    import numpy
    import onnx
    import onnxruntime

    problems = []
    model = onnx.load(graph["path"])
    try:
        onnx.checker.check_model(model, full_check=True)
    except onnx.checker.ValidationError as error:
        problems.append(f"checker: {error}")
    feeds = {}
    for value in graph["inputs"]:
        data, kind = (value["ids"], numpy.int64) if "ids" in value else (value["dense"], numpy.float32)
        feeds[value["name"]] = numpy.array(data, dtype=kind).reshape(graph["rows"], value["width"])
    session = onnxruntime.InferenceSession(graph["path"], providers=["CPUExecutionProvider"])
    (reference,) = session.run(None, feeds)
    outputs = {"tract": graph["tract"], "compact": graph["compact"]}
    outputs = {name: numpy.array(v, dtype=numpy.float32).reshape(reference.shape) for name, v in outputs.items() if v}
    pairs = [("onnxruntime", reference, name, output, ENGINES) for name, output in outputs.items()]
    if "compact" in outputs:
        pairs.append(("tract", outputs["tract"], "compact", outputs["compact"], COMPACT_TRACT))
    measured = []
    for left, a, right, b, tolerance in pairs:
        found = difference(a, b)
        measured.append(f"{left}/{right} {found:.1e}")
        if not found <= tolerance:
            problems.append(f"{left} and {right} differ by {found:.2e}, allowed is {tolerance:.0e}")
    if "compact" not in outputs:
        measured.append("no compact program: an op outside the set")
    return problems, f"{graph['role']}: {graph['rows']} rows × {reference.shape[1]}, " + ", ".join(measured)


def compare(vectors):
    graphs = json.loads(vectors)
    failed = 0
    for graph in graphs:
        problems, line = check(graph)
        print(line)
        for problem in problems:
            print(f"  {problem}")
        failed += bool(problems)
    if not graphs:
        print("no graphs")
        failed = 1
    print(f"{len(graphs) - failed} passed, {failed} failed" if graphs else "0 passed, 1 failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", help="bundle root, or the directory of one bundle")
    parser.add_argument("--export", help="the upnext-export binary (default: the release build)")
    parser.add_argument("--rows", default="32", help="rows of each input")
    # How the script calls itself inside the virtual environment.
    parser.add_argument("--compare-stdin", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.compare_stdin:
        return compare(sys.stdin.read())
    if not arguments.bundle:
        parser.error("--bundle is needed")
    root = Path(__file__).resolve().parent.parent
    export = arguments.export or binary(root)
    command = [export, "onnx-vectors", arguments.bundle, "--rows", arguments.rows]
    vectors = subprocess.run(command, check=True, capture_output=True).stdout
    return subprocess.run([environment(), __file__, "--compare-stdin"], input=vectors).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        print(error.stderr.decode() if isinstance(error.stderr, bytes) else error.stderr or "", file=sys.stderr)
        print(f"onnx-check: {error}", file=sys.stderr)
        print("0 passed, 1 failed")
        sys.exit(1)
