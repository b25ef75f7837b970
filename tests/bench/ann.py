"""What it proves: recall@500 against queries per second of one core, of the server's embedded indices and of FAISS, on the
same vectors, in one run, on one thread each.

    npm run bench:ann -- [--bundle DIR] [--sets NAME ...] [--json FILE]

Sets:
  factors         item factors of the bundle, asked with its user factors
  vectors         item vectors of the bundle, asked with means of ten of them that are near to one another
  clustered-200k  200,000 x 64: 1,000 centres N(0, I), of sizes that fall like 1/(rank + 20); a row is its centre and
                  0.5 N(0, I); queries are drawn the same way. clustered-1m: 1,000,000 of 4,000 centres
  isotropic-200k  200,000 x 64 of N(0, I), and queries too: nothing that an index could use. isotropic-1m
Rows of the first two are what training made: without --bundle of a simulated world, with it of any bundle.

A first pass asks every setting once. Of each kind of FAISS index the fastest setting whose recall reaches --recall goes on,
and the rounds time them and ours in turn, so that a slow moment of the machine hits all; a ratio is the median over rounds
of the ratio within a round. FAISS may answer all queries in one call, or one by one, whichever is faster; ours answers them
one by one. Times are processor time of the one thread, which others on the machine lengthen little. It also reads what `upnext-export vectors --faiss` wrote and holds it to the array that was written beside it.
Fails where FAISS reads something else, or where a FAISS setting that reaches the recall is faster than cells.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

K = 500
SETS = ["factors", "vectors", "clustered-200k", "isotropic-200k", "clustered-1m", "isotropic-1m"]
DEFAULT = SETS[:4]
# One pass over the queries may take this long; slower settings are asked fewer of them.
PASS_SECONDS = 1.5


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--export", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--bundle", help="bundle root (default: a simulated world)")
    parser.add_argument("--sets", nargs="+", default=DEFAULT, choices=SETS, help=f"default: {' '.join(DEFAULT)}")
    parser.add_argument("--queries", type=int, default=200, help="default: 200")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--recall", type=float, default=0.97, help="what a setting must reach (default: 0.97)")
    parser.add_argument("--missed", type=float, nargs="+", default=[0.02], help="shares that cells may miss (default: 0.02, as the server)")
    parser.add_argument("--hnsw-rows", type=int, default=200_000, help="no graph is built over more rows: it takes minutes (default: 200000)")
    parser.add_argument("--json", help="file to write the record to")
    return parser.parse_args()


def say(text):
    print(text, flush=True)


def note(text):
    print(f"  {text}", file=sys.stderr, flush=True)


def made(rows, queries, centres, seed):
    rng = np.random.default_rng(seed)
    if centres is None:
        return (rng.standard_normal((n, 64), dtype=np.float32) for n in (rows, queries))
    middle = rng.standard_normal((centres, 64), dtype=np.float32)
    share = 1 / (np.arange(centres) + 20.0)
    share /= share.sum()

    def draw(n):
        noise = rng.standard_normal((n, 64), dtype=np.float32)
        return middle[rng.choice(centres, n, p=share)] + np.float32(0.5) * noise

    return draw(rows), draw(queries)


def exported(options, side, directory):
    """Rows of the bundle, by the exporter; FAISS must read the same."""
    npy, index = os.path.join(directory, "rows.npy"), os.path.join(directory, "rows.faiss")
    command = [options.export, "vectors", options.bundle, "--side", side, "--npy", npy, "--faiss", index]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    rows, read = np.load(npy), faiss.read_index(index)
    flat = faiss.vector_to_array(read.codes).view(np.float32).reshape(read.ntotal, read.d)
    same = read.metric_type == faiss.METRIC_INNER_PRODUCT and np.array_equal(flat, rows)
    scores, hits = read.search(rows[:5], 3)
    same = same and np.allclose(scores, np.take_along_axis(rows[:5] @ rows.T, hits, 1), atol=1e-5)
    if not same:
        sys.exit(f"FAISS reads other {side} than were written")
    note(f"faiss.read_index gives the {read.ntotal} x {read.d} {side} that were written")
    return rows


def load(options, name, directory):
    if name == "factors":
        rows, queries = exported(options, "item-factors", directory), exported(options, "user-factors", directory)
        # What has no factor is in no answer of the server.
        rows, queries = rows[np.any(rows != 0, axis=1)], queries[np.any(queries != 0, axis=1)]
        return rows, queries[np.random.default_rng(1).permutation(len(queries))[: options.queries]]
    if name == "vectors":
        rows = exported(options, "items", directory)
        heads = np.random.default_rng(2).permutation(len(rows))[: options.queries]
        near = np.argsort(-(rows[heads] @ rows.T), axis=1)[:, :30]
        chosen = np.random.default_rng(3).permuted(near, axis=1)[:, :10]
        return rows, rows[chosen].mean(axis=1)
    kind, size = name.split("-")
    count = {"200k": 200_000, "1m": 1_000_000}[size]
    centres = {"200k": 1000, "1m": 4000}[size] if kind == "clustered" else None
    rows, queries = made(count, options.queries, centres, 7)
    return rows, queries


def recall(found, truth):
    hits = sum(len(np.intersect1d(a, b, assume_unique=True)) for a, b in zip(found, truth))
    return hits / (len(found) * truth.shape[1])


class Ours:
    """An index of the server, asked in a process of its own."""

    def __init__(self, process, name):
        self.process, self.name = process, name
        self.label = f"upnext {name}"

    def ask(self, queries):
        self.process.stdin.write(f"{self.name}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        self.build_seconds = answer["build_seconds"]
        return answer["seconds"] / len(queries), answer["recall"]

    seconds = ask


class Theirs:
    """A FAISS index with one setting."""

    def __init__(self, kind, index, label, apply, truth):
        self.kind, self.index, self.label, self.apply, self.truth = kind, index, label, apply, truth
        self.one_by_one = False
        self.count = len(truth)

    def ask(self, queries):
        """Seconds a query, the faster of one call for all and one for each, and recall."""
        self.apply()
        started = time.thread_time()
        self.index.search(queries[:10], K)
        self.count = int(min(len(queries), max(10, PASS_SECONDS / max((time.thread_time() - started) / 10, 1e-6))))
        batch, found = self.timed(queries, False)
        single, _ = self.timed(queries, True)
        self.one_by_one = single < batch
        return min(batch, single), recall(found, self.truth[: self.count])

    def seconds(self, queries):
        self.apply()
        return self.timed(queries, self.one_by_one)[0], None

    def timed(self, queries, one_by_one):
        chosen = queries[: self.count]
        started = time.thread_time()
        if one_by_one:
            found = [self.index.search(chosen[i : i + 1], K)[1][0] for i in range(len(chosen))]
        else:
            found = self.index.search(chosen, K)[1]
        return (time.thread_time() - started) / len(chosen), found


def factory(rows, text):
    started = time.perf_counter()
    index = faiss.index_factory(rows.shape[1], text, faiss.METRIC_INNER_PRODUCT)
    ivf = faiss.try_extract_index_ivf(index)
    if ivf is not None:
        ivf.cp.niter, ivf.cp.max_points_per_centroid = 10, 64
    if text.startswith("HNSW"):
        index.hnsw.efConstruction = 80
    index.train(rows)
    index.add(rows)
    note(f"FAISS {text}: built in {time.perf_counter() - started:.1f} s")
    return index


def settings(options, rows, truth):
    """Every FAISS setting that is asked, kind by kind."""
    count = len(rows)
    yield Theirs("flat", factory(rows, "Flat"), "FAISS Flat", lambda: None, truth)
    lists = 2 ** round(np.log2(max(4, 2 * count**0.5)))
    probes = [p for p in (2**n for n in range(2, 13)) if p <= lists]

    def ivf(kind, text, factors=(None,)):
        index = factory(rows, text)
        inner = faiss.extract_index_ivf(index)
        for factor in factors:
            for probe in probes:
                def apply(factor=factor, probe=probe):
                    inner.nprobe = probe
                    if factor is not None:
                        index.k_factor = factor
                label = f"FAISS {text} nprobe={probe}" + (f" k_factor={factor}" if factor else "")
                yield Theirs(kind, index, label, apply, truth)

    yield from ivf("IVF", f"IVF{lists},Flat")
    yield from ivf("IVF, 8 bits", f"IVF{lists},SQ8")
    yield from ivf("IVF-PQ", f"IVF{lists},PQ32,RFlat", (1.0, 2.0, 4.0))
    yield from ivf("IVF-PQ, fast scan", f"IVF{lists},PQ32x4fsr,RFlat", (2.0, 4.0))
    if count <= options.hnsw_rows:
        graph = factory(rows, "HNSW32")
        for ef in (500, 750, 1000, 1500, 2500):
            def apply(ef=ef):
                graph.hnsw.efSearch = ef
            yield Theirs("HNSW", graph, f"FAISS HNSW32 efSearch={ef}", apply, truth)
    else:
        note(f"FAISS HNSW32: left out, {count} rows are more than --hnsw-rows {options.hnsw_rows}")


def measure(options, name, directory):
    rows, queries = (np.ascontiguousarray(part, dtype=np.float32) for part in load(options, name, directory))
    say(f"\n{name}: {len(rows)} x {rows.shape[1]}, {len(queries)} queries, k = {min(K, len(rows))}")
    faiss.omp_set_num_threads(os.cpu_count())
    flat = faiss.IndexFlatIP(rows.shape[1])
    flat.add(rows)
    truth = flat.search(queries, K)[1].astype(np.int32)
    paths = [os.path.join(directory, f"{part}.npy") for part in ("base", "queries", "truth")]
    for path, array in zip(paths, (rows, queries, truth)):
        np.save(path, array)
    environment = {**os.environ, "RAYON_NUM_THREADS": str(os.cpu_count())}
    process = subprocess.Popen([options.runner, *paths], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    ours = [Ours(process, f"cells {missed}") for missed in options.missed] + [Ours(process, "cells 0"), Ours(process, "exact")]
    record = {"rows": len(rows), "dim": rows.shape[1], "k": K, "settings": []}

    def keep(entry, seconds, found):
        record["settings"].append({"setting": entry.label, "recall": round(found, 4), "queries_per_second": round(1 / seconds, 1)})

    for entry in ours:
        entry.ask(queries)
        seconds, entry.recall = entry.ask(queries)
        keep(entry, seconds, entry.recall)
        note(f"{entry.label}: built in {entry.build_seconds:.2f} s on all cores, recall {entry.recall:.4f}, {1 / seconds:.0f}/s")
    best, closest = {}, {}
    done = set()
    for entry in settings(options, rows, truth):
        faiss.omp_set_num_threads(1)
        # More of the same kind of effort is slower still.
        group = (entry.kind, entry.label.split("k_factor")[-1] if "k_factor" in entry.label else "")
        if group not in done:
            seconds, entry.recall = entry.ask(queries)
            keep(entry, seconds, entry.recall)
            closest[entry.kind] = max(closest.get(entry.kind, 0), entry.recall)
            if entry.recall >= options.recall:
                done.add(group)
                if entry.kind not in best or seconds < best[entry.kind][0]:
                    best[entry.kind] = (seconds, entry)
        faiss.omp_set_num_threads(os.cpu_count())
    faiss.omp_set_num_threads(1)
    rivals = [entry for _, entry in best.values()]
    times = {entry: [] for entry in ours + rivals}
    for _ in range(options.rounds):
        for entry in times:
            times[entry].append(entry.seconds(queries)[0])
    process.stdin.close()
    process.wait()
    first = times[ours[0]]
    say(f"{'':44} recall@500   queries/s   cells against it")
    lost = []
    record["best"] = []
    for entry, seconds in times.items():
        ratio = statistics.median(theirs / mine for theirs, mine in zip(seconds, first))
        rate = 1 / statistics.median(seconds)
        say(f"{entry.label:44} {entry.recall:10.4f} {rate:11.0f} {ratio:17.2f}x")
        record["best"].append({"setting": entry.label, "recall": round(entry.recall, 4), "queries_per_second": round(rate, 1), "ratio": round(ratio, 3)})
        if entry in rivals and ratio < 1:
            lost.append(f"{name}: {entry.label} is faster")
    for kind, reached in closest.items():
        if kind not in best:
            say(f"FAISS {kind}: no setting reaches {options.recall}, the best {reached:.4f}")
    if ours[0].recall < options.recall:
        lost.append(f"{name}: cells reach {ours[0].recall:.4f} only")
    return record, lost


def main():
    options = arguments()
    started = time.time()
    record = {"faiss": faiss.__version__, "cores": os.cpu_count(), "threads": 1, "sets": {}}
    say(f"FAISS {faiss.__version__} ({faiss.get_compile_options().strip()}), one thread each")
    lost = []
    for name in options.sets:
        with tempfile.TemporaryDirectory() as directory:
            record["sets"][name], failed = measure(options, name, directory)
        lost += failed
    record["seconds"] = round(time.time() - started)
    if options.json:
        with open(options.json, "w") as out:
            json.dump(record, out, indent=1)
        say(f"\n{options.json}")
    say(f"{record['seconds']} s")
    if lost:
        sys.exit("\n".join(lost))


if __name__ == "__main__":
    # Help needs no FAISS.
    if "-h" in sys.argv or "--help" in sys.argv:
        arguments()
    # Threads that spin while they wait take the cores from those they wait for, where others work on the machine too.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import faiss
    import numpy as np

    main()
