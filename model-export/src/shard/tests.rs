#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float32Type, Int64Type};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use proptest::prelude::*;
use tempfile::TempDir;
use upnext_core::Code;

use super::*;
use crate::table::{Dataset, load};

const VIDEOS: [(&str, Option<f32>); 3] = [("a", Some(100.0)), ("b", Some(20.0)), ("c", None)];
const USERS: [&str; 3] = ["u1", "u10", "u2"];
const SPLIT: Split = Split {
    factors_until_ms: 30_000_000,
    train_until_ms: 60_000_000,
};

/// user_id, video_id, type, value, timestamp, relevant.
type Cells = [&'static str; 6];

/// The rows as a stream, in batches of three.
fn stream(rows: &[Cells], split: usize) -> Vec<u8> {
    let column = |of: &dyn Fn(&Cells) -> Option<String>, rows: &[Cells]| -> ArrayRef {
        Arc::new(StringArray::from_iter(rows.iter().map(of)))
    };
    let text = |i: usize| move |row: &Cells| Some(row[i].to_owned()).filter(|cell| !cell.is_empty());
    let batch = |rows: &[Cells]| {
        let known = |flag: bool| Some(flag.to_string());
        let length = |row: &Cells| {
            let (_, length) = VIDEOS.iter().find(|(id, _)| *id == row[1])?;
            length.map(|length| length.to_string())
        };
        RecordBatch::try_from_iter_with_nullable([
            ("user_id", column(&text(0), rows), true),
            ("video_id", column(&text(1), rows), true),
            ("type", column(&text(2), rows), true),
            ("value", column(&text(3), rows), true),
            ("timestamp", column(&text(4), rows), true),
            ("relevant", column(&text(5), rows), true),
            ("length_seconds", column(&length, rows), true),
            ("user_known", column(&|row| known(USERS.contains(&row[0])), rows), true),
            (
                "video_known",
                column(&|row| known(VIDEOS.iter().any(|(id, _)| *id == row[1])), rows),
                true,
            ),
        ])
        .unwrap()
    };
    let mut writer = StreamWriter::try_new(Vec::new(), &batch(&[]).schema()).unwrap();
    rows.chunks(split).for_each(|rows| writer.write(&batch(rows)).unwrap());
    writer.into_inner().unwrap()
}

/// The same rows as a directory of CSV tables, read whole.
fn whole(rows: &[Cells]) -> Dataset {
    let dir = TempDir::new().unwrap();
    let lines = |header: &str, rows: Vec<String>| format!("{header}\n{}\n", rows.join("\n"));
    let videos = VIDEOS.map(|(id, length)| format!("{id},{}", length.map_or(String::new(), |l| l.to_string())));
    let write = |name: &str, text: String| fs::write(dir.path().join(name), text).unwrap();
    write("videos.csv", lines("id,length_seconds", videos.to_vec()));
    write("users.csv", lines("id", USERS.map(str::to_owned).to_vec()));
    let header = "user_id,video_id,type,value,timestamp,relevant";
    write(
        "interactions.csv",
        lines(header, rows.iter().map(|row| row.join(",")).collect()),
    );
    load(dir.path(), 1.0).unwrap().data
}

fn batches(bytes: &[u8]) -> Vec<RecordBatch> {
    StreamReader::try_new(bytes, None)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// Who met what when, in which window, whether it was shown, and the label.
type Met = (String, String, i64, String, bool, Option<bool>);

fn labelled(rows: &[Cells], split: usize) -> Vec<Met> {
    let mut bytes = Vec::new();
    labels(&SPLIT, stream(rows, split).as_slice(), &mut bytes).unwrap();
    let mut found = Vec::new();
    for batch in batches(&bytes) {
        let text = |i: usize| batch.column(i).as_string::<i32>();
        let (at, shown, relevant) = (
            batch.column(2).as_primitive::<Int64Type>(),
            batch.column(4).as_boolean(),
            batch.column(5).as_boolean(),
        );
        found.extend((0..batch.num_rows()).map(|row| {
            (
                text(0).value(row).to_owned(),
                text(1).value(row).to_owned(),
                at.value(row),
                text(3).value(row).to_owned(),
                shown.value(row),
                relevant.is_valid(row).then(|| relevant.value(row)),
            )
        }));
    }
    found
}

fn labelled_whole(data: &Dataset) -> Vec<Met> {
    let met = encounters(data, &SPLIT);
    met.iter()
        .map(|e| {
            (
                data.users.ids.name(e.user).to_owned(),
                data.videos.ids.name(e.video).to_owned(),
                e.at_ms,
                SPLIT.side(e.at_ms).as_str().to_owned(),
                e.outcome.shown,
                e.label(),
            )
        })
        .collect()
}

/// `bucket` and `rows`, and how many rows were malformed.
fn counted(rows: &[Cells], hours: &[i64]) -> (BTreeMap<i64, i64>, i64) {
    let mut bytes = Vec::new();
    times(hours, stream(rows, 3).as_slice(), &mut bytes).unwrap();
    let (mut buckets, mut malformed) = (BTreeMap::new(), 0);
    for batch in batches(&bytes) {
        let (bucket, fault, count) = (
            batch.column(0).as_primitive::<Int64Type>(),
            batch.column(1).as_string::<i32>(),
            batch.column(3).as_primitive::<Int64Type>(),
        );
        for row in 0..batch.num_rows() {
            match fault.is_valid(row) {
                true => malformed += count.value(row),
                false => drop(buckets.insert(bucket.value(row), count.value(row))),
            }
        }
    }
    (buckets, malformed)
}

/// Rows whole and malformed, ties, searches, unknown ids, instants of both kinds, events hours apart and across the split.
fn any_rows() -> impl Strategy<Value = Vec<Cells>> {
    let kinds = [
        "impression",
        "watch",
        "like",
        "dislike",
        "comment",
        "search",
        "share",
        "not_interested",
        "watch",
        "watch",
        "stare",
        "",
    ];
    let row = (
        prop::sample::select(vec!["u1", "u10", "u2", "u1", "u10", "nobody", ""]),
        prop::sample::select(vec!["a", "b", "c", "a", "b", "nothing", ""]),
        prop::sample::select(kinds.to_vec()),
        prop::sample::select(vec!["", "10", "5", "50", "49.99", "x", "-1", "1e3"]),
        prop::sample::select(vec![
            "10",
            "10",
            "11",
            "29999999",
            "30000000",
            "29990000",
            "59999999",
            "60000000",
            "21600010",
            "21600011",
            "1970-01-01T08:20:00Z",
            "yesterday",
            "",
        ]),
        prop::sample::select(vec!["", "", "true", "0", "maybe"]),
    );
    prop::collection::vec(row.prop_map(|(a, b, c, d, e, f)| [a, b, c, d, e, f]), 0..40).prop_map(|mut rows| {
        rows.insert(0, ["u1", "a", "impression", "", "10", ""]);
        rows
    })
}

/// One part of each remainder of users, in their order; what has no user goes to the first.
fn parts(rows: &[Cells], count: usize) -> Vec<Vec<Cells>> {
    let mut parts = vec![Vec::new(); count];
    for row in rows {
        let user = USERS.iter().position(|user| *user == row[0]).unwrap_or(0);
        parts[user % count].push(*row);
    }
    parts.iter_mut().for_each(|part| part.sort_by_key(|row| row[0]));
    parts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn labels_and_counts_of_parts_are_those_of_the_whole_log(rows in any_rows(), count in 1..4_usize, split in 1..9_usize) {
        let data = whole(&rows);
        let mut expected = labelled_whole(&data);
        let mut found: Vec<Met> = parts(&rows, count).iter().flat_map(|part| labelled(part, split)).collect();
        expected.sort();
        found.sort();
        prop_assert_eq!(found, expected);

        let mut sums: BTreeMap<(String, i64), [i64; 3]> = BTreeMap::new();
        for part in rows.chunks(7) {
            let mut bytes = Vec::new();
            counts(&SPLIT, stream(part, split).as_slice(), &mut bytes).unwrap();
            for batch in batches(&bytes) {
                let number = |i: usize| batch.column(i).as_primitive::<Int64Type>();
                for row in 0..batch.num_rows() {
                    let video = batch.column(0).as_string::<i32>().value(row).to_owned();
                    let sum = sums.entry((video, number(1).value(row))).or_default();
                    (0..3).for_each(|kind| sum[kind] += number(kind + 2).value(row));
                }
            }
        }
        for until_ms in [SPLIT.factors_until_ms, SPLIT.train_until_ms] {
            let all = Counts::before(&data, until_ms);
            for (video, id) in data.videos.ids.iter().enumerate() {
                let of = |column: &Option<Vec<f32>>| column.as_ref().map_or(0, |all| all[video] as i64);
                let expected = [of(&all.likes), of(&all.comments), of(&all.views)];
                prop_assert_eq!(sums.get(&(id.to_owned(), until_ms)).copied().unwrap_or_default(), expected);
            }
        }
    }

    #[test]
    fn hours_and_milliseconds_count_every_row_that_a_whole_table_keeps(rows in any_rows()) {
        let data = whole(&rows);
        let (hours, malformed) = counted(&rows, &[]);
        let kept = hours.values().sum::<i64>();
        prop_assert_eq!((kept, malformed), (data.interactions.len() as i64, rows.len() as i64 - kept));
        let within: Vec<i64> = hours.keys().copied().collect();
        let (instants, _) = counted(&rows, &within);
        let all: Vec<i64> = instants.iter().flat_map(|(at, count)| vec![*at; *count as usize]).collect();
        prop_assert_eq!(all, data.interactions.at_ms);
        prop_assert_eq!(counted(&rows, &[-1]).0.len(), 0);
    }
}

#[test]
fn ids_are_those_of_well_formed_rows_with_their_length_and_place() {
    let columns = |cells: [&[&str]; 4]| {
        let column = |i: usize| -> ArrayRef {
            Arc::new(StringArray::from_iter(
                cells[i].iter().map(|c| Some(*c).filter(|c| !c.is_empty())),
            ))
        };
        let names = ["id", "length_seconds", "place", "whole"];
        let batch =
            RecordBatch::try_from_iter(names.into_iter().enumerate().map(|(i, name)| (name, column(i)))).unwrap();
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.into_inner().unwrap()
    };
    let rows = columns([
        &["a", "b", "", "c", "a", "d"],
        &["61.5", "", "5", "-1", "7", "9"],
        &["1", "2", "3", "4", "5", "6"],
        &["", "true", "", "", "", "false"],
    ]);
    let mut bytes = Vec::new();
    let report = ids(IdTable::Videos, rows.as_slice(), &mut bytes).unwrap();
    assert_eq!((report.rows, report.malformed()), (6, 3));
    let all = batches(&bytes);
    let text = |batch: &RecordBatch, i: usize| {
        let column = batch.column(i).as_string::<i32>();
        column
            .iter()
            .map(|cell| cell.unwrap_or("-").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(text(&all[0], 0), ["a", "b", "a"]);
    assert_eq!(text(&all[0], 2), ["1", "2", "5"]);
    let lengths: Vec<Option<f32>> = all[0].column(1).as_primitive::<Float32Type>().iter().collect();
    assert_eq!(lengths, [Some(61.5), None, Some(7.0)]);
    assert_eq!(text(&all[1], 3), ["wrong number of cells", "no id", "out of range"]);
    assert!(text(&all[1], 4)[2].contains("row 4, column length_seconds"));
}

#[test]
fn what_is_no_part_is_said_by_code() {
    let code = |bytes: &[u8]| labels(&SPLIT, bytes, &mut Vec::new()).unwrap_err().code();
    assert_eq!(code(b"\x08\0\0\0no arrow"), Code::FileUnreadable);
    let falling = [["u2", "a", "like", "", "1", ""], ["u1", "a", "like", "", "2", ""]];
    assert_eq!(code(&stream(&falling, 1)), Code::ConfigInvalid);
    let bare = RecordBatch::try_from_iter([("type", Arc::new(StringArray::from(vec!["like"])) as ArrayRef)]).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &bare.schema()).unwrap();
    writer.write(&bare).unwrap();
    assert_eq!(code(&writer.into_inner().unwrap()), Code::ColumnMissing);
}
