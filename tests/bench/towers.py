"""What it proves: how many training examples a second of one core's time gives, of the two towers here and of the same model in JAX.

    npm run bench:towers -- [--data DIR] [--batch 512] [--epochs 4] [--rounds 3] [--json FILE]

Both are given the same encoded moments (without --data of a simulated world): embeddings of nine columns beside pools, counts and factor of
the viewer; two hashed ids, tags, language, rating, channel beside title, comments and counts of the video; a hidden layer of 128, vectors of
64 of unit length; in-batch softmax with logQ correction, mixed negatives, other positives of the viewer hidden, ids dropped; Adam.

The first pass of each run is not counted: JAX compiles in it. A pass is counted from the end of its first step to the end of its last one, in
processor time of the whole process, on one core. JAX draws its batches with NumPy, pads their columns to the next 64, and keeps what it
reads on the device. It is written in two ways, and the faster one counts: tables with gradients as large as they are (`dense`), and
rows of a batch gathered before and moved alone (`rows`), as the towers here do. Runs alternate; a ratio is the median over rounds of the
ratio within a round. Fails where the losses of the last pass differ by more than 2 %: it would not be the same model.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HIDDEN, VECTOR, TEMPERATURE, DROPOUT, NEGATIVES, RATE = 128, 64, 0.1, 0.3, 256, 1e-3
ID, TAG, CATEGORY = 32, 16, 8
LOSSES_WITHIN = 0.02
KINDS = ["dense", "rows"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", help=argparse.SUPPRESS)
    parser.add_argument("--jax", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--inputs", help=argparse.SUPPRESS)
    parser.add_argument("--data", help="directory with tables (default: a simulated world)")
    parser.add_argument("--batch", type=int, default=512, help="examples a step (default: 512)")
    parser.add_argument("--epochs", type=int, default=4, help="passes of a run, the first of them not counted (default: 4)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each (default: 3)")
    parser.add_argument("--core", type=int, default=0, help="the core that all run on (default: 0)")
    parser.add_argument("--json", help="file to write the record to")
    return parser.parse_args()


class Batches:
    """What a step is given: rows of moments, columns of videos, and what is added to their logits."""

    def __init__(self, inputs, batch, seed):
        import numpy as np

        self.np, self.batch, self.rng = np, batch, np.random.default_rng(seed)
        self.user, self.video = inputs["user"], inputs["video"]
        self.videos = len(inputs["item_dense"])
        share = np.bincount(self.video, minlength=self.videos) / len(self.video)
        missed = batch * np.log1p(-share) + NEGATIVES * np.log1p(-1 / self.videos)
        self.log_q = np.log(np.maximum(-np.expm1(missed), 1e-12)).astype(np.float32)
        self.known = np.zeros((self.user.max() + 1, self.videos), bool)
        self.known[self.user, self.video] = True

    def __iter__(self):
        np, rng = self.np, self.rng
        order = rng.permutation(len(self.video))
        for start in range(0, len(order), self.batch):
            rows = order[start : start + self.batch]
            drawn = np.concatenate([self.video[rows], rng.integers(0, self.videos, NEGATIVES)])
            columns, places = np.unique(drawn, return_inverse=True)
            target = places[: self.batch]
            correction = np.broadcast_to(-self.log_q[columns], (self.batch, len(columns))).copy()
            hidden = self.known[self.user[rows]][:, columns]
            hidden[np.arange(self.batch), target] = False
            correction[hidden] = -1e4
            # Shapes that JAX has seen before: it compiles each anew.
            width = -(-len(columns) // 64) * 64 - len(columns)
            correction = np.pad(correction, ((0, 0), (0, width)), constant_values=-1e4)
            columns = np.pad(columns, (0, width))
            yield rows, columns, rng.random(len(columns)) < DROPOUT, target, correction


def train_in_jax(kind, path, batch, epochs):
    """Losses and times of the passes."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from safetensors.numpy import load_file

    inputs = load_file(path)
    rng = np.random.default_rng(1)
    table = lambda rows, dim: jnp.asarray(0.2 * (rng.random((rows, dim)) - 0.5), jnp.float32)

    def layers(*widths):
        reach = lambda width: (6 / width) ** 0.5
        return [
            (jnp.asarray(reach(a) * (2 * rng.random((a, b)) - 1), jnp.float32), jnp.zeros(b, jnp.float32))
            for a, b in zip(widths, widths[1:])
        ]

    user_width = CATEGORY * len(inputs["user_rows"]) + inputs["user_dense"].shape[1]
    item_width = ID + TAG + 3 * CATEGORY + inputs["item_dense"].shape[1]
    tables = {f"user-{i}": table(rows, CATEGORY) for i, rows in enumerate(inputs["user_rows"])}
    dims = [ID, TAG, CATEGORY, CATEGORY, CATEGORY]
    tables |= {f"item-{i}": table(rows, dim) for i, (rows, dim) in enumerate(zip(inputs["item_rows"], dims))}
    dense = {"user": layers(user_width, HIDDEN, VECTOR), "item": layers(item_width, HIDDEN, VECTOR)}
    held = {name: jnp.asarray(inputs[name].astype(np.int32) if inputs[name].dtype == np.uint32 else inputs[name]) for name in inputs}

    def ids_of(rows, columns, anonymous):
        """By table the rows that a batch reads of it."""
        users, videos = held["user_categorical"][rows], held["item_categorical"][columns]
        ids = {f"user-{i}": users[:, i] for i in range(users.shape[1])}
        ids["item-0"] = jnp.where(anonymous[:, None], 0, videos[:, :2])
        ids["item-1"] = held["item_tags"][columns]
        return ids | {f"item-{i}": videos[:, i] for i in range(2, 5)}

    def loss_of(dense, read, rows, columns, target, correction):
        """`read`: embeddings by table, as `ids_of` names them."""

        def tower(layers, x):
            (first, first_bias), (second, second_bias) = layers
            x = jax.nn.relu(x @ first + first_bias) @ second + second_bias
            return x / jnp.sqrt((x * x).sum(1, keepdims=True) + 1e-12)

        tags = held["item_tags"][columns] != 0
        mean = (read["item-1"] * tags[:, :, None]).sum(1) / jnp.maximum(tags.sum(1, keepdims=True), 1)
        user = [read[f"user-{i}"] for i in range(len(inputs["user_rows"]))] + [held["user_dense"][rows]]
        item = [read["item-0"].sum(1), mean] + [read[f"item-{i}"] for i in range(2, 5)] + [held["item_dense"][columns]]
        users, items = tower(dense["user"], jnp.concatenate(user, 1)), tower(dense["item"], jnp.concatenate(item, 1))
        logits = users @ items.T / TEMPERATURE + correction
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), target[:, None], 1).mean()

    adam = optax.adam(RATE)
    if kind == "dense":
        params = (dense, tables)
        state = adam.init(params)

        def step(params, state, rows, columns, anonymous, target, correction):
            ids = ids_of(rows, columns, anonymous)

            def loss(params):
                dense, tables = params
                return loss_of(dense, {name: tables[name][ids[name]] for name in ids}, rows, columns, target, correction)

            value, gradients = jax.value_and_grad(loss)(params)
            moves, state = adam.update(gradients, state)
            return optax.apply_updates(params, moves), state, value

    else:
        params = (dense, tables)
        zeros = lambda table: (jnp.zeros_like(table), jnp.zeros_like(table), jnp.zeros(len(table)))
        state = (adam.init(dense), {name: zeros(table) for name, table in tables.items()})

        def moved(table, moments, ids, gradient):
            """Adam for the rows that were read: gradients of one row are summed, every other row rests."""
            mean, square, count = moments
            flat, gradient = ids.reshape(-1), gradient.reshape(-1, table.shape[1])
            # The first of the places that read a row stands for it, the others are dropped.
            first = jnp.full(len(table), len(flat), jnp.int32).at[flat].min(jnp.arange(len(flat), dtype=jnp.int32))
            owner = first[flat]
            gradient = jnp.zeros_like(gradient).at[owner].add(gradient)
            at = jnp.where(owner == jnp.arange(len(flat)), flat, len(table))
            m = 0.9 * mean[flat] + 0.1 * gradient
            s = 0.999 * square[flat] + 0.001 * gradient**2
            n = count[flat] + 1
            move = RATE * (m / (1 - 0.9**n)[:, None]) / (jnp.sqrt(s / (1 - 0.999**n)[:, None]) + 1e-8)
            moments = (mean.at[at].set(m, mode="drop"), square.at[at].set(s, mode="drop"), count.at[at].set(n, mode="drop"))
            return table.at[at].add(-move, mode="drop"), moments

        def step(params, state, rows, columns, anonymous, target, correction):
            (dense, tables), (of_dense, of_tables) = params, state
            ids = ids_of(rows, columns, anonymous)
            read = {name: tables[name][ids[name]] for name in ids}
            value, (down, of_rows) = jax.value_and_grad(loss_of, (0, 1))(dense, read, rows, columns, target, correction)
            moves, of_dense = adam.update(down, of_dense)
            new = {name: moved(tables[name], of_tables[name], ids[name], of_rows[name]) for name in ids}
            params = optax.apply_updates(dense, moves), {name: table for name, (table, _) in new.items()}
            return params, (of_dense, {name: moments for name, (_, moments) in new.items()}), value

    step = jax.jit(step, donate_argnums=(0, 1))
    batches, passes = Batches(inputs, batch, 1), []
    for _ in range(epochs):
        losses, begun = [], None
        for values in batches:
            params, state, loss = step(params, state, *values)
            losses.append(float(loss))
            begun = begun or time.process_time()
        taken = time.process_time() - begun
        passes.append({"loss": statistics.mean(losses), "examples": (len(losses) - 1) * batch, "seconds": taken})
    return {"epochs": passes}


def run(options, kind, path):
    """One run on one core: examples a second of it in the passes after the first, and the loss of the last one."""
    env = os.environ | {"RAYON_NUM_THREADS": "1", "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "OPENBLAS_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"}
    shape = [str(options.batch), str(options.epochs)]
    if kind == "upnext":
        command = [options.runner, options.data, path, *shape]
    else:
        command = [sys.executable, __file__, "--jax", kind, "--inputs", path, "--batch", shape[0], "--epochs", shape[1]]
    output = subprocess.run(
        command, env=env, check=True, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.sched_setaffinity(0, {options.core})
    ).stdout
    passes = json.loads(output.splitlines()[-1])["epochs"]
    counted = passes[1:]
    rate = sum(p["examples"] for p in counted) / sum(p["seconds"] for p in counted)
    losses = ", ".join(format(p["loss"], ".4f") for p in passes)
    print(f"  {kind}: {rate:,.0f} examples/s, losses {losses}", file=sys.stderr, flush=True)
    return rate, passes[-1]["loss"]


def main():
    options = arguments()
    if options.jax:
        print(json.dumps(train_in_jax(options.jax, options.inputs, options.batch, options.epochs)))
        return
    if options.epochs < 2:
        sys.exit("--epochs must be 2 at least: the first pass is not counted")
    rates, losses, ratios = {}, {}, {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "inputs.safetensors")
        for turn in range(options.rounds):
            print(f"round {turn + 1} of {options.rounds}", file=sys.stderr, flush=True)
            for kind in ["upnext", *KINDS]:
                rate, losses[kind] = run(options, kind, path)
                rates.setdefault(kind, []).append(rate)
            for kind in KINDS:
                ratios[kind].append(rates["upnext"][-1] / rates[kind][-1])
        import jax
        from safetensors.numpy import load_file

        inputs = load_file(path)
        sizes = {"examples": len(inputs["user"]), "videos": len(inputs["item_dense"]), "jax": jax.__version__}
        sizes["table_rows"] = int(inputs["user_rows"].sum() + inputs["item_rows"].sum())
        sizes["inputs"] = [int(inputs["user_dense"].shape[1]), int(inputs["item_dense"].shape[1])]
    fastest = max(KINDS, key=lambda kind: statistics.median(rates[kind]))
    result = {
        **sizes,
        "batch": options.batch,
        "rows": [
            {"kind": kind, "rate": statistics.median(rates[kind]), "loss": losses[kind], "ratio": statistics.median(ratios.get(kind, [1.0]))}
            for kind in ["upnext", *KINDS]
        ],
        "fastest": fastest,
    }
    for row in result["rows"]:
        name = row["kind"] if row["kind"] == "upnext" else f"JAX, {row['kind']}"
        print(f"{name:12}  {row['rate']:9,.0f} examples a CPU second, loss {row['loss']:.4f}, upnext {row['ratio']:.2f} times as many")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(result, file)
    for kind in KINDS:
        if abs(losses[kind] / losses["upnext"] - 1) > LOSSES_WITHIN:
            sys.exit(f"the losses of the last pass differ: {losses['upnext']:.4f} here, {losses[kind]:.4f} in JAX ({kind})")


if __name__ == "__main__":
    main()
