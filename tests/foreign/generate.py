#!/usr/bin/env python3
"""Exports small graphs by scikit-learn, PyTorch (both exporters) or Keras, with onnxruntime's outputs beside them.

    python3 tests/foreign/generate.py OUT scikit|torch|keras...

`node tests/foreign.mjs` makes the environment and runs this; with --write, small graphs come to lie in tests/foreign,
where the Rust tests read them. Each NAME.onnx has a NAME.json: {"rows", "inputs": [{"name", "width", "dense" or "ids"}],
"expected"}, and "output" where the graph has several; of a graph that cannot be compiled, {"refused": what is named}.
"""

import io
import json
import sys
import warnings
from pathlib import Path

import numpy
import onnx
import onnxruntime

warnings.filterwarnings("ignore")
ROWS = 5
OPSET = 17
dice = numpy.random.default_rng(7)


def floats(*shape):
    return dice.standard_normal(shape).astype(numpy.float32)


def ids(rows, *shape):
    return dice.integers(0, rows, shape).astype(numpy.int64)


def save(out, name, data, document):
    (out / f"{name}.onnx").write_bytes(data)
    (out / f"{name}.json").write_text(json.dumps(document) + "\n")
    print(f"{name}: {len(data)} bytes")


def write(out, name, model, inputs, output=None):
    """The graph and what onnxruntime makes of the inputs."""
    data = model if isinstance(model, bytes) else model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    feeds = dict(zip([value.name for value in session.get_inputs()], inputs))
    read = output or session.get_outputs()[0].name
    (expected,) = session.run([read], feeds)
    if isinstance(expected, list):  # A map for each row.
        expected = numpy.array([list(row.values()) for row in expected], dtype=numpy.float32)
    assert len(expected) == len(inputs[0]), f"{name}: {expected.shape}"

    def flat(value):
        return [float(f"{v:.9g}") if isinstance(v, float) else v for v in value.reshape(-1).tolist()]

    def entry(name, value):
        kind = "ids" if value.dtype == numpy.int64 else "dense"
        return {"name": name, "width": int(value[0].size), kind: flat(value)}

    document = {
        "rows": len(expected),
        "inputs": [entry(name, value) for name, value in feeds.items()],
        "expected": flat(expected),
    }
    if output:
        document["output"] = output
    save(out, name, data, document)


def refuse(out, name, model, op):
    """A graph outside the compact set; the refusal names the op."""
    save(out, name, model if isinstance(model, bytes) else model.SerializeToString(), {"refused": op})


def torch(out):
    import torch
    from torch import nn

    torch.manual_seed(3)

    class Activations(nn.Module):
        """Every activation that is common, over batch norm and layer norm."""

        def __init__(self):
            super().__init__()
            self.kinds = nn.ModuleList(
                [nn.ReLU(), nn.LeakyReLU(0.1), nn.Sigmoid(), nn.Tanh(), nn.GELU(), nn.GELU(approximate="tanh"), nn.SiLU()]
                + [nn.ELU(0.7), nn.SELU(), nn.Softplus(), nn.Hardsigmoid(), nn.Hardswish(), nn.Hardtanh(), nn.Mish()]
                + [nn.ReLU6(), nn.Softsign(), nn.PReLU(6), nn.CELU(0.8), nn.LogSigmoid(), nn.Softshrink(), nn.Hardshrink()]
            )
            self.first, self.norm, self.batch = nn.Linear(4, 6), nn.LayerNorm(6), nn.BatchNorm1d(6)
            with torch.no_grad():
                self.batch.running_mean.normal_()
                self.batch.running_var.uniform_(0.5, 2)

        def forward(self, x):
            y = self.batch(self.norm(self.first(x)))
            return torch.cat([kind(2 * y) for kind in self.kinds], dim=1)

    class AttentionPooling(nn.Module):
        """A viewer's history pooled by attention to a candidate, and by a masked mean (DIN, Zhou et al. 2018)."""

        def __init__(self):
            super().__init__()
            self.items, self.context = nn.Embedding(9, 4, padding_idx=0), nn.Embedding(5, 4)
            self.score = nn.Sequential(nn.Linear(16, 5), nn.SiLU(), nn.Linear(5, 1))
            self.out = nn.Sequential(nn.Linear(12, 6), nn.GELU(), nn.Linear(6, 3))

        def forward(self, history, candidate):
            keys = self.items(history)
            query = self.context(candidate)
            wide = query.expand(-1, keys.shape[1], -1)
            scores = self.score(torch.cat([keys, wide, keys * wide, keys - wide], dim=2)).squeeze(2)
            scores = scores.masked_fill(history == 0, float("-inf"))
            pooled = (torch.softmax(scores, dim=1).unsqueeze(2) * keys).sum(1)
            mask = (history != 0).float().unsqueeze(2)
            mean = (keys * mask).sum(1) / mask.sum(1).clamp(min=1)
            return nn.functional.normalize(self.out(torch.cat([pooled, mean, query[:, 0]], dim=1)), dim=1)

    class Transformer(nn.Module):
        """One encoder layer over a history, then its mean."""

        def __init__(self):
            super().__init__()
            self.items = nn.Embedding(9, 4)
            self.layer = nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, batch_first=True, norm_first=True)
            self.out = nn.Linear(4, 2)

        def forward(self, history):
            return self.out(self.layer(self.items(history)).mean(dim=1))

    class Crosses(nn.Module):
        """Cross layers (DCN v2, Wang et al. 2021), pairs of a factorisation machine (Rendle 2010), and their dot products."""

        def __init__(self):
            super().__init__()
            self.fields = nn.ModuleList(nn.Embedding(7, 3) for _ in range(3))
            self.cross = nn.ModuleList(nn.Linear(11, 11) for _ in range(2))
            self.out = nn.Linear(11 + 3 + 9, 2)

        def forward(self, fields, numbers):
            rows = torch.stack([field(fields[:, i]) for i, field in enumerate(self.fields)], dim=1)
            x0 = torch.cat([rows.flatten(1), numbers], dim=1)
            x = x0
            for layer in self.cross:
                x = x0 * layer(x) + x
            pairs = 0.5 * (rows.sum(1) ** 2 - (rows**2).sum(1))
            dots = torch.bmm(rows, rows.transpose(1, 2)).flatten(1)
            return self.out(torch.cat([x, pairs, dots], dim=1))

    class Tower(nn.Module):
        """A tower of the size that is deployed."""

        def __init__(self):
            super().__init__()
            self.fields = nn.ModuleList(nn.Embedding(rows, 16) for rows in (8, 100, 3, 24))
            self.layers = nn.Sequential(nn.Linear(64 + 200, 128), nn.LayerNorm(128), nn.ReLU(), nn.Linear(128, 64))

        def forward(self, fields, numbers):
            rows = [field(fields[:, i]) for i, field in enumerate(self.fields)]
            return nn.functional.normalize(self.layers(torch.cat([*rows, numbers], dim=1)), dim=1)

    class Recurrent(nn.Module):
        """What a program, which has no loops, cannot do."""

        def __init__(self):
            super().__init__()
            self.items, self.past = nn.Embedding(9, 4), nn.GRU(4, 3, batch_first=True)

        def forward(self, history):
            return self.past(self.items(history))[0][:, -1]

    history = ids(9, ROWS, 4)
    history[:, 0] = 1 + ids(8, ROWS)
    fields = numpy.stack([ids(rows, 64) for rows in (8, 100, 3, 24)], axis=1)
    cases = {
        "activations": (Activations(), [floats(ROWS, 4)]),
        "attention": (AttentionPooling(), [history, ids(5, ROWS, 1)]),
        "transformer": (Transformer(), [ids(9, ROWS, 3)]),
        "crosses": (Crosses(), [ids(7, ROWS, 3), floats(ROWS, 2)]),
        "tower": (Tower(), [fields, floats(64, 200)]),
        "recurrent": (Recurrent(), [ids(9, ROWS, 3)]),
    }
    for name, (model, inputs) in cases.items():
        model.eval()
        tensors = tuple(torch.from_numpy(value) for value in inputs)
        labels = [f"in{i}" for i in range(len(inputs))]
        with torch.no_grad():
            buffer = io.BytesIO()
            axes = {label: {0: "rows"} for label in [*labels, "out"]}
            old = {"input_names": labels, "output_names": ["out"], "dynamic_axes": axes, "opset_version": OPSET}
            try:
                torch.onnx.export(model, tensors, buffer, dynamo=False, **old)
            except Exception as error:
                print(f"torch-{name}: not exported by the older exporter: {str(error).splitlines()[0][:120]}")
            else:
                data = buffer.getvalue()
                refuse(out, f"torch-{name}", data, "GRU") if name == "recurrent" else write(out, f"torch-{name}", data, inputs)
            if name == "recurrent":
                continue
            rows = torch.export.Dim("rows", min=2)
            shapes = tuple({0: rows} for _ in inputs)
            program = torch.onnx.export(model, tensors, dynamo=True, dynamic_shapes=shapes, verbose=False)
            write(out, f"dynamo-{name}", strip(program.model_proto), inputs)


def strip(model):
    """Without what exporters note about source files: paths of a machine."""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output]:
        del value.metadata_props[:]
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    return model


def keras(out):
    import tensorflow
    import tf2onnx

    layers = tensorflow.keras.layers
    tensorflow.keras.utils.set_random_seed(3)
    history = tensorflow.keras.Input((4,), dtype="int64", name="history")
    numbers = tensorflow.keras.Input((3,), name="numbers")
    keys = layers.Embedding(9, 4)(history)
    keys = layers.Dense(5, activation="swish")(keys)
    pooled = layers.GlobalAveragePooling1D()(keys)
    x = layers.Concatenate()([pooled, layers.BatchNormalization()(numbers)])
    x = layers.LayerNormalization()(layers.Dense(6, activation="elu")(x))
    y = layers.Dense(3, activation="softmax")(layers.Dense(4, activation="softplus")(x))
    model = tensorflow.keras.Model([history, numbers], y)

    spec = [
        tensorflow.TensorSpec((None, 4), tensorflow.int64, name="history"),
        tensorflow.TensorSpec((None, 3), tensorflow.float32, name="numbers"),
    ]
    function = tensorflow.function(lambda history, numbers: model([history, numbers]), input_signature=spec)
    converted, _ = tf2onnx.convert.from_function(function, input_signature=spec, opset=OPSET)
    write(out, "keras", converted, [ids(9, ROWS, 4), floats(ROWS, 3)])


def scikit(out):
    from skl2onnx import to_onnx
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, Normalizer, StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    x = floats(60, 4)
    two, three = (x[:, 0] > 0).astype(int), numpy.digitize(x[:, 1], [-0.4, 0.4])
    small = {"hidden_layer_sizes": (5,), "max_iter": 30, "random_state": 1}
    cases = {
        "logistic": (make_pipeline(StandardScaler(), LogisticRegression()), two),
        "logistic-three": (make_pipeline(MinMaxScaler(), LogisticRegression()), three),
        "mlp": (make_pipeline(StandardScaler(), MLPClassifier(**small)), three),
        "mlp-two": (MLPClassifier(**small, activation="tanh"), two),
        "mlp-regressor": (MLPRegressor(**small, activation="logistic"), x[:, 2]),
        "linear": (make_pipeline(Normalizer(), LinearRegression()), x[:, 3]),
    }
    for name, (model, y) in cases.items():
        model.fit(x, y)
        plain = {id(model): {"zipmap": False}} if hasattr(model, "predict_proba") else None
        converted = to_onnx(model, x[:1], options=plain, target_opset=OPSET)
        write(out, f"sklearn-{name}", converted, [floats(ROWS, 4)], "probabilities" if plain else None)
        if name == "logistic":
            # As it comes: a map of classes and probabilities for each row.
            converted = to_onnx(model, x[:1], target_opset=OPSET)
            write(out, "sklearn-maps", converted, [floats(ROWS, 4)], "output_probability")
    tree = DecisionTreeClassifier(max_depth=2, random_state=1).fit(x, two)
    converted = to_onnx(tree, x[:1], options={id(tree): {"zipmap": False}}, target_opset=OPSET)
    refuse(out, "sklearn-tree", converted, "TreeEnsembleClassifier")


FAMILIES = {"scikit": scikit, "torch": torch, "keras": keras}


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for family in sys.argv[2:] or FAMILIES:
        FAMILIES[family](out)


if __name__ == "__main__":
    main()
