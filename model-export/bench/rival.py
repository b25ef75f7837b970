#!/usr/bin/env python3
"""The device path against a server-side LightGBM on KuaiRand-Pure: same split, same rows, both in one run.

    python3 model-export/bench/rival.py --source ../shared/data/kuairand-pure [--data kuai --bundle kuai-bundle]

The rival may see what no device path sends to a server: every user column, as-of target encodings of video, viewer,
author and surface, counts of the history, and a collaborative score. It is scored twice, as ours is: *live*, with the
viewer's counts as of each impression, and *frozen*, with those of the start of the test window. With --data and --bundle
`upnext-export evaluate` judges the device path on the same impressions. Makes (and keeps) a virtual environment in
~/.cache/upnext/rival, or in $UPNEXT_CACHE/rival.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

# Ranges, not pins: each Python version has wheels of some releases only.
REQUIREMENTS = ["lightgbm>=4.3,<5", "pandas>=2.1,<4", "scikit-learn>=1.4,<2", "zstandard>=0.22,<1"]
# Days of the log since 25 April: to 30 April they train, from 1 May they test.
TEST_FROM = 6
DAYS = 14


def environment():
    """The virtual environment's python, with the packages in it."""
    cache = Path(os.environ.get("UPNEXT_CACHE") or Path.home() / ".cache" / "upnext").resolve()
    directory = cache / "rival"
    python, stamp = directory / "bin" / "python", directory / "requirements.txt"
    wanted = "\n".join(REQUIREMENTS) + "\n"
    if not (python.exists() and stamp.exists() and stamp.read_text() == wanted):
        print(f"rival: making {directory}", flush=True)
        venv.create(directory, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS], check=True)
        stamp.write_text(wanted)
    return python


def tables(source):
    """Impressions without duplicates and without an unknown length, in order; history; videos; users."""
    import pandas

    def read(name):
        path = next(p for p in (source / name, source / f"{name}.zst") if p.exists())
        return pandas.read_csv(path)

    log = read("derived/interactions_20220425_20220508.csv")
    log = log[log.duration_ms > 0].drop_duplicates()
    log["y"] = ((log.is_like == 1) | (log.play_time_ms >= 0.5 * log.duration_ms)).astype(int)
    local = log.time_ms // 1000 + 8 * 3600
    log["day"] = (local // 86400 - 19107).clip(lower=0)
    log["hour"], log["weekday"] = (local // 3600) % 24, log.day % 7
    log = log.sort_values(["user_id", "time_ms"], kind="stable").reset_index(drop=True)
    history = read("derived/history_20220408_20220424_last50.csv")
    return log, history, read("original/video_features_basic_pure.csv"), read("original/user_features_pure.csv")


def factors(pairs, users, videos, dim=16, confidence=8.0, l2=20.0, sweeps=8):
    """Weighted alternating least squares on the history's long views."""
    import numpy
    from scipy.sparse import csr_matrix

    ones = csr_matrix((numpy.ones(len(pairs)), (pairs.user_id, pairs.video_id)), (users, videos))
    ones.data[:] = 1.0
    item = numpy.random.default_rng(1).normal(0, 0.1, (videos, dim))
    user = numpy.zeros((users, dim))
    for _ in range(sweeps):
        for left, right, rows in ((user, item, ones), (item, user, ones.T.tocsr())):
            gram = right.T @ right + l2 * numpy.eye(dim)
            for row in range(rows.shape[0]):
                own = right[rows.indices[rows.indptr[row] : rows.indptr[row + 1]]]
                left[row] = numpy.linalg.solve(gram + confidence * own.T @ own, (1 + confidence) * own.sum(0)) if len(own) else 0.0
    return user, item


def rate(log, key, strength, mean):
    """Target encoding by key as of the train days but the row's own; test rows know all train days."""
    import numpy

    codes = numpy.unique(key, return_inverse=True)[1]
    y, day = log.y.to_numpy(), log.day.to_numpy()
    width = codes.max() + 1
    by_day = numpy.zeros((2, TEST_FROM, width))
    train = day < TEST_FROM
    numpy.add.at(by_day[0], (day[train], codes[train]), y[train])
    numpy.add.at(by_day[1], (day[train], codes[train]), 1)
    total = by_day.sum(1)
    own = numpy.where(train, by_day[:, numpy.minimum(day, TEST_FROM - 1), codes], 0.0)
    positive, count = total[:, codes] - own
    return (positive + strength * mean) / (count + strength), count


def viewer(log, value):
    """Sum of `value` over the viewer's impressions strictly before each row, live and frozen."""
    import numpy

    frame = log.assign(value=value)
    upto = frame.groupby("user_id").value.cumsum()
    at = frame.groupby(["user_id", "time_ms"]).value
    # Impressions of one instant are one group: none of them is before another.
    live = upto.groupby([frame.user_id, frame.time_ms]).transform("last") - at.transform("sum")
    before = frame.value.where(frame.day < TEST_FROM, 0).groupby(frame.user_id).transform("sum")
    return live.to_numpy(), numpy.where(frame.day < TEST_FROM, live, before)


def features(log, history, videos, users):
    """Two frames of features, live and frozen; they differ in what they know of the viewer."""
    import numpy
    import pandas

    people, clips = users.user_id.max() + 1, videos.video_id.max() + 1
    mean = log.y[log.day < TEST_FROM].mean()
    counts = {kind: history[history.kind == kind] for kind in ("watch", "long_view", "like")}
    long = counts["long_view"].drop_duplicates(["user_id", "video_id"])
    user, item = factors(long, people, clips)
    frame = pandas.DataFrame({"seconds": log.duration_ms / 1000, "tab": log.tab, "hour": log.hour, "weekday": log.weekday})
    for kind, rows in counts.items():
        for key, size in (("user_id", people), ("video_id", clips)):
            frame[f"history_{kind}_{key}"] = numpy.bincount(rows[key], minlength=size)[log[key]]
    for key in ("user_id", "video_id"):
        frame[f"history_rate_{key}"] = (frame[f"history_long_view_{key}"] + 5) / (frame[f"history_watch_{key}"] + 10)
    score = (user[log.user_id] * item[log.video_id]).sum(1)
    length = numpy.linalg.norm(user[log.user_id], axis=1) * numpy.linalg.norm(item[log.video_id], axis=1)
    frame["cf"], frame["cf_cosine"] = score, score / numpy.maximum(length, 1e-9)
    clip = videos.set_index("video_id").reindex(log.video_id)
    for name, key, strength in (
        ("video", log.video_id, 20),
        ("author", clip.author_id.fillna(-1), 20),
        ("tag", clip.tag.fillna("").astype(str), 20),
        ("tab", log.tab, 20),
        ("video_tab", log.video_id * 100 + log.tab, 10),
    ):
        frame[f"rate_{name}"], frame[f"count_{name}"] = rate(log, numpy.asarray(key), strength, mean)
    for column in ("video_type", "upload_type", "visible_status", "music_type"):
        if column in clip:
            frame[column] = pandas.factorize(clip[column].to_numpy())[0]
    own = users.set_index("user_id").reindex(log.user_id)
    for column in own:
        values = own[column].to_numpy()
        frame[f"user_{column}"] = values if pandas.api.types.is_numeric_dtype(own[column]) else pandas.factorize(values)[0]
    versions = [frame.reset_index(drop=True).copy() for _ in range(2)]
    seen, relevant, liked = (viewer(log, value) for value in (numpy.ones(len(log)), log.y, log.is_like))
    for version, n, r, like in zip(versions, seen, relevant, liked):
        version["viewer_count"], version["viewer_likes"] = n, like
        version["viewer_rate"] = (r + 10 * mean) / (n + 10)
    return versions


def user_auc(y, score, user):
    """Mean of the users' own AUC, weighted by impressions; users with one side only are left out."""
    import pandas

    frame = pandas.DataFrame({"y": y, "user": user, "score": score})
    frame["rank"] = frame.groupby("user").score.rank() * frame.y
    own = frame.groupby("user").agg(n=("y", "size"), p=("y", "sum"), r=("rank", "sum"))
    own = own[(own.p > 0) & (own.p < own.n)]
    auc = (own.r - own.p * (own.p + 1) / 2) / (own.p * (own.n - own.p))
    return float((auc * own.n).sum() / own.n.sum())


def rival(source):
    """Figures of LightGBM: the number of trees by the last two train days, then all of them."""
    import lightgbm
    import numpy
    from sklearn.metrics import roc_auc_score

    log, *rest = tables(source)
    live, frozen = features(log, *rest)
    y, day = log.y.to_numpy(), log.day.to_numpy()
    config = {"objective": "binary", "num_leaves": 31, "learning_rate": 0.03, "min_data_in_leaf": 200, "lambda_l2": 5.0}
    config |= {"feature_fraction": 0.6, "bagging_fraction": 0.8, "bagging_freq": 1, "verbose": -1, "seed": 1, "metric": "auc"}
    part = lambda rows: lightgbm.Dataset(live[rows], y[rows], free_raw_data=False)
    early, late = part(day < TEST_FROM - 2), part((day >= TEST_FROM - 2) & (day < TEST_FROM))
    stop = lightgbm.early_stopping(50, verbose=False)
    trees = lightgbm.train(config, early, 1000, valid_sets=[late], callbacks=[stop]).best_iteration
    model = lightgbm.train(config, part(day < TEST_FROM), trees)
    test = day >= TEST_FROM
    user, seconds = log.user_id.to_numpy()[test], log.duration_ms.to_numpy()[test]
    edges = numpy.quantile(seconds, [0.2, 0.4, 0.6, 0.8])
    fifth = numpy.searchsorted(edges, seconds, side="left")
    figures = {"impressions": int(test.sum()), "trees": trees}
    for name, frame in (("live", live), ("frozen", frozen)):
        score = model.predict(frame[test])
        figures[name] = {
            "auc": roc_auc_score(y[test], score),
            "user_auc": user_auc(y[test], score, user),
            "by_length": [roc_auc_score(y[test][fifth == k], score[fifth == k]) for k in range(5)],
        }
    return figures


def device(data, bundle, export):
    """Figures of the device path by `upnext-export evaluate`."""
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.json"
        command = [export, "evaluate", "--data", data, "--bundle", bundle, "--users", "1", "--json", report]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        report = json.loads(report.read_text())
    own = report["models"]["device"]
    lengths = [bucket["auc"]["device"] for bucket in report["by_length"]]
    return {
        "impressions": report["test"]["impressions"],
        "live": {"auc": own["auc"], "user_auc": own["user_auc"], "by_length": lengths},
        "frozen": {"auc": own["auc_frozen"], "user_auc": own["user_auc_frozen"], "by_length": []},
    }


def binary(root):
    """`upnext-export` as cargo built it."""
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps", "--offline"]
    metadata = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return Path(json.loads(metadata)["target_directory"]) / "release" / "upnext-export"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--source", type=Path, required=True, help="the log as it was published: original/, derived/")
    parser.add_argument("--data", help="the same log, imported by `upnext-export import kuairand`")
    parser.add_argument("--bundle", help="a bundle trained on --data")
    parser.add_argument("--export", help="the upnext-export binary (default: the release build)")
    parser.add_argument("--json", type=Path, help="write the figures here")
    # How the script calls itself inside the virtual environment.
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.inside:
        return subprocess.run([environment(), __file__, "--inside", *sys.argv[1:]]).returncode
    figures = {}

    def tell(name, model):
        # At once: what one side found outlives a failure of the other.
        figures[name] = model
        for view in ("live", "frozen"):
            own = model[view]
            lengths = " ".join(f"{value:.4f}" for value in own["by_length"])
            print(f"{name:10} {view:8} {own['auc']:7.4f} {own['user_auc']:13.4f}  {lengths}", flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps(figures, indent=2) + "\n")

    print(f"{'':10} {'viewer':8} {'AUC':>7} {'inside users':>13}  by quintile of length", flush=True)
    tell("lightgbm", rival(arguments.source))
    if arguments.data and arguments.bundle:
        root = Path(__file__).resolve().parents[2]
        tell("device", device(arguments.data, arguments.bundle, arguments.export or binary(root)))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        print(f"rival: {error}", file=sys.stderr)
        sys.exit(1)
