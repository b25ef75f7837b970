#!/usr/bin/env python3
"""Factors, labels and counts of a log that does not fit one machine, on a Spark cluster.

    spark-submit --master spark://HOST:7077 model-export/spark/factorise.py \
        --data hdfs:///log --out hdfs:///factors --exporter target/release/upnext-export

Reads the tables videos, users and interactions (docs/tables.md): Parquet or CSV, each a file or a directory of shards. Writes
to OUT:

    users/ videos/   id, features (list of floats), relevant       Parquet, for `upnext-export train --factors OUT`
    labels/          user_id, video_id, timestamp, side, shown, relevant
    counts/          video_id, until_ms, likes, comments, views     as of both instants of the split
    factors.json     split, loss and numbers of the factors; written last

What a row means is said by `upnext-export shard`, which every partition is piped through as Arrow batches: the program is sent to
the executors and there is no second definition of a label, a malformed row or a count here. Spark moves rows, sorts, sums and
factorises (MLlib ALS). docs/spark.md has the layout, the loss and how much memory a partition needs.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time

from pyspark import SparkFiles, StorageLevel
from pyspark.ml.recommendation import ALS
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

FORMAT = 1
HOUR_MS = 3_600_000
# What a row that lacks cells, or has too many, is kept in while a CSV file is read.
CORRUPT = "_upnext_corrupt"
FAULTS = "fault string, example string, rows long"
# MLlib numbers users and items by 32-bit integers.
MOST_IDS = 2**31 - 1


class Refused(Exception):
    """Something that the log's owner can mend; printed as the command line prints it."""

    def __init__(self, code, message):
        super().__init__(f"error[{code}]: {message}")


def through(program, words):
    """A function over Arrow batches for `mapInArrow`: a partition goes through `upnext-export shard WORDS`."""

    def run(batches):
        import pyarrow

        first = next(batches, None)
        if first is None:
            return
        failures = []

        def feed(process):
            try:
                with pyarrow.ipc.new_stream(process.stdin, first.schema) as writer:
                    writer.write_batch(first)
                    for batch in batches:
                        writer.write_batch(batch)
            except Exception as failure:  # noqa: BLE001 - told to whoever reads the output, below
                failures.append(failure)
                process.kill()
            finally:
                with contextlib.suppress(OSError):
                    process.stdin.close()

        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen([SparkFiles.get(program), "shard", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said)
            feeder = threading.Thread(target=feed, args=(process,), daemon=True)
            feeder.start()
            broken = None
            try:
                with pyarrow.ipc.open_stream(process.stdout) as reader:
                    yield from reader
            except pyarrow.ArrowInvalid as failure:
                # A program that refuses its input ends the stream early, and says why on stderr.
                broken = failure
            finally:
                process.stdout.close()
                code = process.wait()
                feeder.join()
            if code != 0 or broken or failures:
                said.seek(0)
                reason = said.read().decode(errors="replace").strip()
                raise RuntimeError(f"upnext-export shard {' '.join(words)}: {reason or broken or failures[0]}")

    return run


class Files:
    """Files wherever Hadoop finds them: local, HDFS, an object store."""

    def __init__(self, spark):
        self.jvm, self.conf = spark._jvm, spark._jsc.hadoopConfiguration()

    def path(self, text):
        return self.jvm.org.apache.hadoop.fs.Path(text)

    def system(self, text):
        return self.path(text).getFileSystem(self.conf)

    def exists(self, text):
        return self.system(text).exists(self.path(text))

    def names(self, text):
        return [status.getPath().getName() for status in self.system(text).listStatus(self.path(text))]

    def is_directory(self, text):
        return self.system(text).getFileStatus(self.path(text)).isDirectory()

    def read(self, text):
        stream = self.system(text).open(self.path(text))
        try:
            return self.jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")
        finally:
            stream.close()

    def write(self, text, content):
        stream = self.system(text).create(self.path(text), True)
        try:
            stream.write(bytearray(content.encode()))
        finally:
            stream.close()

    def delete(self, text):
        self.system(text).delete(self.path(text), True)


def find(files, data, table):
    """Path and format of a table: `table.parquet`, `table.csv`, or a directory `table` of such files."""
    paths = [path for path in (f"{data}/{table}.parquet", f"{data}/{table}.csv", f"{data}/{table}") if files.exists(path)]
    if len(paths) != 1:
        raise Refused("file-unreadable", f"{data}: of {table}.parquet, {table}.csv and the directory {table} exactly one must be there; found {len(paths)}")
    names = files.names(paths[0]) if files.is_directory(paths[0]) else [paths[0]]
    kinds = {kind for kind in ("parquet", "csv") for name in names if name.endswith(f".{kind}") or (kind == "csv" and name.endswith(".csv.gz"))}
    if len(kinds) != 1:
        raise Refused("file-unreadable", f"{paths[0]}: shards must be all .parquet or all .csv (.csv.gz)")
    return paths[0], kinds.pop()


def read(spark, files, data, table):
    """Rows of a table as they stand there, with `place`, which orders them as one table, and `whole`."""
    path, kind = find(files, data, table)
    if kind == "parquet":
        rows = spark.read.parquet(path)
        whole = F.lit(True)
    else:
        # As the reader of `upnext-export`: quotes are doubled inside quotes, which may hold line ends.
        plain = spark.read.options(header=True, multiLine=True, quote='"', escape='"', enforceSchema=False)
        names = plain.csv(path).columns
        schema = StructType([StructField(name, StringType()) for name in [*names, CORRUPT]])
        rows = plain.options(mode="PERMISSIVE", columnNameOfCorruptRecord=CORRUPT).schema(schema).csv(path)
        whole = F.col(CORRUPT).isNull()
    # One scan partition may hold blocks of several files; inside a block the numbers rise.
    number = F.lpad(F.monotonically_increasing_id().cast("string"), 20, "0")
    block = F.lpad(F.col("_metadata.file_block_start").cast("string"), 20, "0")
    place = F.concat_ws("#", F.col("_metadata.file_path"), block, number)
    return rows.select("*", place.alias("place"), whole.alias("whole")).drop(CORRUPT)


def as_text(rows, *columns):
    """Ids are text, whatever a Parquet file holds them as."""
    for column in columns:
        if column not in rows.columns:
            raise Refused("column-missing", f"no column `{column}`; found: {', '.join(rows.columns)}")
        rows = rows.withColumn(column, F.col(column).cast("string"))
    return rows


def hold(table, faults, rows, allowed):
    """Tells what was malformed; too much of it is refused."""
    malformed = sum(count for _, count, _ in faults)
    for kind, count, example in faults:
        print(f"{table}: {count} × {kind}, first: {example}", file=sys.stderr)
    if rows == malformed:
        raise Refused("table-empty", f"the {table} table has no row that is well formed")
    if malformed > allowed * rows:
        raise Refused("rows-malformed", f"{malformed} of {rows} rows of the {table} table are malformed, more than the share {allowed} that --max-malformed allows")
    return malformed


def faults_of(found):
    told = found.where("fault is not null").groupBy("fault").agg(F.sum("rows").alias("rows"), F.min("example").alias("example"))
    return [(row.fault, row.rows, row.example) for row in told.collect()]


def ids(rows, program, table, allowed):
    """The table's ids, each once, with the length of a video. Of rows with one id the first that is well formed counts."""
    columns = f"id string, length_seconds float, place string, {FAULTS}"
    found = as_text(rows, "id").mapInArrow(through(program, [table]), columns).persist(StorageLevel.DISK_ONLY)
    known = found.where("id is not null").groupBy("id").agg(F.min_by("length_seconds", "place").alias("length_seconds"), F.count("*").alias("times"))
    known = known.persist(StorageLevel.DISK_ONLY)
    total, distinct = known.agg(F.sum("times"), F.count("*")).first()
    total = total or 0
    faults = faults_of(found)
    count = total + sum(count for _, count, _ in faults)
    if total > distinct:
        faults.append(("id repeated", total - distinct, known.where("times > 1").agg(F.min("id")).first()[0]))
    hold(table, faults, count, allowed)
    found.unpersist()
    return known.drop("times")


def instants(rows, program, hours, wanted):
    """The interactions of some ranks in the order of time: `wanted` ranks, from 0, by counts of hours and of milliseconds."""
    before, within = 0, {}
    for hour, count in sorted(hours.items()):
        for rank in wanted:
            if before <= rank < before + count:
                within[rank] = (hour, before)
        before += count
    asked = sorted({hour for hour, _ in within.values()})
    words = ["times", "--hours", ",".join(str(hour) for hour in asked)]
    found = rows.mapInArrow(through(program, words), f"bucket long, {FAULTS}").where("bucket is not null")
    counts = sorted(found.groupBy("bucket").agg(F.sum("rows")).collect())
    points = []
    for rank in wanted:
        hour, before = within[rank]
        for at_ms, count in counts:
            if at_ms // HOUR_MS == hour:
                if rank < before + count:
                    points.append(at_ms)
                    break
                before += count
    return points


def split_of(rows, program, meta, allowed):
    """The split of dataset.json, or the 60 % and 80 % points of the log in time."""
    found = rows.mapInArrow(through(program, ["times"]), f"bucket long, {FAULTS}").persist(StorageLevel.DISK_ONLY)
    hours = {row.bucket: row.rows for row in found.where("bucket is not null").groupBy("bucket").agg(F.sum("rows").alias("rows")).collect()}
    faults = faults_of(found)
    total = sum(hours.values())
    malformed = hold("interactions", faults, total + sum(count for _, count, _ in faults), allowed)
    found.unpersist()
    if meta.get("split"):
        split = (meta["split"]["factors_until_ms"], meta["split"]["train_until_ms"])
        if split[0] >= split[1]:
            raise Refused("config-invalid", f"dataset.json split: factors_until_ms ({split[0]}) must be below train_until_ms ({split[1]})")
    else:
        split = tuple(instants(rows, program, hours, [total * 6 // 10, total * 8 // 10]))
    return split, total, malformed


def numbered(pairs, column):
    """Everybody of one side of the pairs: id, number of pairs, and a row number from 0."""
    everybody = pairs.groupBy(column).agg(F.count("*").alias("relevant")).sort(column)
    rows = everybody.rdd.zipWithIndex().map(lambda found: (found[0][0], found[0][1], found[1]))
    rows = rows.toDF("id string, relevant long, row long").persist(StorageLevel.DISK_ONLY)
    count = rows.count()
    if count > MOST_IDS:
        raise Refused("config-invalid", f"{count} ids of `{column}` are more than MLlib numbers, {MOST_IDS}")
    return rows.withColumn("row", F.col("row").cast("int")), count


def save(frame, path):
    frame.write.mode("overwrite").option("compression", "zstd").parquet(path)


def run(spark, flags):
    files, seconds = Files(spark), {}
    started = [time.monotonic()]

    def done(step):
        seconds[step] = round(time.monotonic() - started[0], 1)
        print(f"{step}: {seconds[step]} s", file=sys.stderr, flush=True)
        started[0] = time.monotonic()

    data, out = flags.data.rstrip("/"), flags.out.rstrip("/")
    # A directory whose run was cut off has none.
    files.delete(f"{out}/factors.json")
    meta = json.loads(files.read(f"{data}/dataset.json")) if files.exists(f"{data}/dataset.json") else {}
    spark.sparkContext.addFile(flags.exporter)
    program = flags.exporter.rstrip("/").rsplit("/", 1)[-1]
    partitions = flags.partitions or max(8, 2 * spark.sparkContext.defaultParallelism)

    videos = ids(read(spark, files, data, "videos"), program, "videos", flags.max_malformed)
    users = ids(read(spark, files, data, "users"), program, "users", flags.max_malformed)
    done("ids")
    rows = as_text(read(spark, files, data, "interactions"), "user_id", "video_id")
    users = users.select(F.col("id").alias("user_id"), F.lit(True).alias("user_known"))
    videos = videos.select(F.col("id").alias("video_id"), "length_seconds", F.lit(True).alias("video_known"))
    rows = rows.drop("length_seconds").join(users, "user_id", "left").join(videos, "video_id", "left")
    rows = rows.fillna(False, ["user_known", "video_known"]).persist(StorageLevel.DISK_ONLY)
    split, total, malformed = split_of(rows, program, meta, flags.max_malformed)
    at = ["--split", f"{split[0]},{split[1]}"]
    done("split")

    ordered = rows.repartition(partitions, "user_id").sortWithinPartitions("user_id", "place").drop("place")
    labels = "user_id string, video_id string, timestamp long, side string, shown boolean, relevant boolean"
    save(ordered.mapInArrow(through(program, ["labels", *at]), labels), f"{out}/labels")
    done("labels")
    kinds = ["likes", "comments", "views"]
    counts = rows.mapInArrow(through(program, ["counts", *at]), "video_id string, until_ms long, likes long, comments long, views long")
    counts = counts.groupBy("video_id", "until_ms").agg(*(F.sum(kind).alias(kind) for kind in kinds)).persist(StorageLevel.DISK_ONLY)
    # A kind of event that the log does not have is unknown, not zero.
    there = counts.groupBy("until_ms").agg(*((F.sum(kind) > 0).alias(f"has_{kind}") for kind in kinds))
    known = (F.when(F.col(f"has_{kind}"), F.col(kind)).alias(kind) for kind in kinds)
    save(counts.join(F.broadcast(there), "until_ms").select("video_id", "until_ms", *known), f"{out}/counts")
    counts.unpersist()
    rows.unpersist()
    done("counts")

    pairs = spark.read.parquet(f"{out}/labels").where("side = 'factors' and relevant").select("user_id", "video_id").distinct()
    pairs = pairs.persist(StorageLevel.DISK_ONLY)
    number = pairs.count()
    if number == 0:
        raise Refused("split-empty", "no relevant encounters in the factors window; move the split in dataset.json")
    by_user, user_count = numbered(pairs, "user_id")
    by_video, video_count = numbered(pairs, "video_id")
    ones = pairs.join(by_user.select(F.col("id").alias("user_id"), F.col("row").alias("user")), "user_id")
    ones = ones.join(by_video.select(F.col("id").alias("video_id"), F.col("row").alias("video")), "video_id")
    ones = ones.select("user", "video", F.lit(1.0).cast("float").alias("one")).persist(StorageLevel.DISK_ONLY)
    ones.count()
    done("pairs")
    # MLlib minimises this project's loss over lambda, and weighs a norm by the number of its row's ones: docs/spark.md.
    solver = ALS(
        rank=flags.dim,
        maxIter=flags.sweeps,
        regParam=flags.l2 / flags.weight,
        alpha=(1.0 - flags.weight) / flags.weight - 1.0,
        implicitPrefs=True,
        nonnegative=False,
        userCol="user",
        itemCol="video",
        ratingCol="one",
        numUserBlocks=partitions,
        numItemBlocks=partitions,
        seed=flags.seed,
    )
    model = solver.fit(ones)
    for side, factors, everybody in (("users", model.userFactors, by_user), ("videos", model.itemFactors, by_video)):
        named = factors.withColumnRenamed("id", "row").join(everybody, "row")
        save(named.select("id", "features", "relevant"), f"{out}/{side}")
    done("factors")
    info = {
        "format": FORMAT,
        "solver": f"Spark MLlib {spark.version} ALS",
        "dim": flags.dim,
        "lambda": flags.weight,
        "l2": flags.l2,
        "nu": 1.0,
        "frequency": "ones",
        "sweeps": flags.sweeps,
        "factors_until_ms": split[0],
        "train_until_ms": split[1],
        "pairs": number,
    }
    files.write(f"{out}/factors.json", json.dumps(info, indent=2) + "\n")
    print(json.dumps({"interactions": total, "malformed": malformed, "users": user_count, "videos": video_count, "pairs": number, "split": split, "seconds": seconds}))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="directory with the tables and dataset.json, any address that Hadoop reads")
    parser.add_argument("--out", required=True, help="directory for factors, labels and counts, reached by all executors")
    parser.add_argument("--exporter", required=True, help="path of the program upnext-export here; it is sent to the executors")
    parser.add_argument("--dim", type=int, default=64, help="width of a factor (64)")
    parser.add_argument("--lambda", dest="weight", type=float, default=0.1, help="weight of the unobserved, above 0, at most 0.5 (0.1)")
    parser.add_argument("--l2", type=float, default=0.1, help="weight of a squared norm for each one of its row, above 0 (0.1)")
    parser.add_argument("--sweeps", type=int, default=10, help="sweeps of both sides (10)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--partitions", type=int, default=0, help="parts of the table work and blocks of the factorisation; default twice the cores, at least 8")
    parser.add_argument("--max-malformed", type=float, default=0.01, help="share of malformed rows of a table above which it is refused (0.01)")
    flags = parser.parse_args()
    if not 0.0 < flags.weight <= 0.5:
        parser.error(f"--lambda: {flags.weight} must be above 0, at most 0.5")
    if flags.l2 <= 0.0 or flags.dim < 1 or flags.sweeps < 1:
        parser.error("--l2 must be above 0, --dim and --sweeps at least 1")
    return flags


def main():
    flags = arguments()
    # A row of too few or too many cells is seen only where no column is left out while it is read.
    spark = SparkSession.builder.appName("upnext factorise").config("spark.sql.csv.parser.columnPruning.enabled", "false").getOrCreate()
    try:
        run(spark, flags)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    finally:
        spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
