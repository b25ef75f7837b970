#![allow(clippy::unwrap_used)]

use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;
use upnext_core::{Code, EventKind};

use super::*;
use crate::table::{Builder, Dataset, Format, Interaction, Meta, NONE, SplitInstants, User, Video, write};

/// A directory with these CSV tables.
fn tables(videos: &str, users: &str, interactions: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, text) in [("videos", videos), ("users", users), ("interactions", interactions)] {
        fs::write(dir.path().join(format!("{name}.csv")), text).unwrap();
    }
    dir
}

const VIDEOS: &str = "id,title,tags,length_seconds,published_at,extra\n\
    a,Überraschung,x|y,61.5,2022-04-25T00:00:00+08:00,?\nb,,\"[\"\"p|q\"\"]\",,1650816000000,?\n";
const USERS: &str = "id,age,time_zone\nu,31,Asia/Shanghai\nv,,\n";
const EVENTS: &str = "user_id,video_id,type,value,timestamp\n\
    u,a,watch,30.5,20\nv,,search,катеринка,10\nu,a,like,,20\n";

fn events(text: &str) -> Result<Loaded, crate::Error> {
    load(tables(VIDEOS, USERS, text).path(), 0.5)
}

#[test]
fn csv_reads_into_columns_sorted_by_time_and_row() {
    let data = load(tables(VIDEOS, USERS, EVENTS).path(), 0.0).unwrap().data;
    assert_eq!(data.interactions.at_ms, [10, 20, 20]);
    assert_eq!(
        data.interactions.kind,
        [EventKind::Search, EventKind::Watch, EventKind::Like]
    );
    assert_eq!(data.interactions.seconds, [None, Some(30.5), None]);
    assert_eq!(data.interactions.text.get(0), Some("катеринка"));
    assert_eq!(data.interactions.video, [NONE, 0, 0]);
    assert_eq!(data.videos.tags.get(0).collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(data.videos.tags.get(1).collect::<Vec<_>>(), ["p|q"]);
    assert_eq!(data.videos.published_at_ms, [Some(1_650_816_000_000); 2]);
    assert_eq!(data.videos.length_seconds, [Some(61.5), None]);
    assert_eq!((data.users.age[1], data.users.time_zone.get(1)), (None, None));
    assert_eq!(data.utc_offset_minutes(0, 0), Some(480));
    assert_eq!(data.utc_offset_minutes(1, 0), None);
}

#[test]
fn each_kind_of_malformed_row_is_counted_and_its_first_is_shown() {
    let cases = [
        ("u,a,watch,x,1", Malformed::NotANumber, "value"),
        ("u,a,watch,inf,1", Malformed::NotANumber, "value"),
        ("u,a,watch,-1,1", Malformed::OutOfRange, "value"),
        ("u,a,watch,1,yesterday", Malformed::NotAnInstant, "timestamp"),
        ("u,a,watch,1,", Malformed::NotAnInstant, "timestamp"),
        ("u,a,stare,1,1", Malformed::TypeUnknown, "type"),
        ("w,a,like,,1", Malformed::UserUnknown, "user_id"),
        ("u,c,like,,1", Malformed::VideoUnknown, "video_id"),
        ("u,,like,,1", Malformed::IdMissing, "video_id"),
        ("u,a,like", Malformed::Width, ""),
    ];
    for (line, kind, column) in cases {
        let loaded = events(&format!("{EVENTS}{line}\n{line}\n")).unwrap();
        let report = &loaded.reports[2].1;
        assert_eq!(
            (report.rows, report.malformed(), report.count(kind)),
            (5, 2, 2),
            "{line}"
        );
        let text = loaded.warnings();
        assert!(
            text.contains("interactions.csv, line 5") && text.contains(column),
            "{line}: {text}"
        );
        assert_eq!(loaded.data.interactions.len(), 3);
    }
}

#[test]
fn broken_utf8_is_one_bad_row() {
    let dir = tables(VIDEOS, USERS, EVENTS);
    let mut bytes = EVENTS.as_bytes().to_vec();
    bytes.extend_from_slice(b"u,a,comment,\xff\xfe,7\n");
    fs::write(dir.path().join("interactions.csv"), bytes).unwrap();
    let loaded = load(dir.path(), 0.5).unwrap();
    assert_eq!(loaded.reports[2].1.count(Malformed::Encoding), 1);
}

#[test]
fn a_repeated_id_keeps_the_first_row() {
    let dir = tables(&format!("{VIDEOS}a,Other,,,,?\n"), USERS, EVENTS);
    let loaded = load(dir.path(), 0.5).unwrap();
    assert_eq!(loaded.reports[0].1.count(Malformed::IdRepeated), 1);
    assert_eq!(loaded.data.videos.title[0].as_deref(), Some("Überraschung"));
}

#[test]
fn above_the_stated_share_the_table_is_refused_with_the_place() {
    let error = load(tables(VIDEOS, USERS, &format!("{EVENTS}u,a,stare,,1\n")).path(), 0.2).unwrap_err();
    assert_eq!(error.code(), Code::RowsMalformed);
    assert!(error.to_string().contains("line 5, column type: `stare`"), "{error}");
}

#[test]
fn missing_and_empty_tables_and_columns_have_their_own_codes() {
    let code = |dir: &TempDir| load(dir.path(), 0.1).unwrap_err().code();
    assert_eq!(code(&TempDir::new().unwrap()), Code::FileUnreadable);
    assert_eq!(code(&tables("id\n", USERS, EVENTS)), Code::TableEmpty);
    assert_eq!(code(&tables("", USERS, EVENTS)), Code::TableEmpty);
    assert_eq!(code(&tables("title\nx\n", USERS, EVENTS)), Code::ColumnMissing);
    let twice = tables(VIDEOS, USERS, EVENTS);
    fs::write(twice.path().join("videos.parquet"), b"").unwrap();
    assert_eq!(code(&twice), Code::FileUnreadable);
    let broken = tables(VIDEOS, USERS, EVENTS);
    fs::remove_file(broken.path().join("users.csv")).unwrap();
    fs::write(broken.path().join("users.parquet"), b"PAR1 and no more").unwrap();
    assert_eq!(code(&broken), Code::FileUnreadable);
    let meta = tables(VIDEOS, USERS, EVENTS);
    fs::write(meta.path().join("dataset.json"), "{\"name\": 7}").unwrap();
    assert_eq!(code(&meta), Code::ConfigInvalid);
}

#[test]
fn a_compressed_csv_reads_as_the_plain_one() {
    let dir = tables(VIDEOS, USERS, EVENTS);
    let plain = load(dir.path(), 0.0).unwrap().data;
    fs::remove_file(dir.path().join("interactions.csv")).unwrap();
    let packed = zstd::encode_all(EVENTS.as_bytes(), 3).unwrap();
    fs::write(dir.path().join("interactions.csv.zst"), packed).unwrap();
    assert_same(&plain, &load(dir.path(), 0.0).unwrap().data);
}

fn assert_same(a: &Dataset, b: &Dataset) {
    // `Debug` shows hash maps in no order; everything else of a data set is a list.
    let text = |d: &Dataset| {
        let v = &d.videos;
        let lists = |l: &crate::table::Lists| {
            (0..v.len())
                .map(|r| l.get(r).collect::<Vec<_>>().join("\u{1}"))
                .collect::<Vec<_>>()
        };
        let rows = |c: &crate::table::Category| (0..c.len()).map(|r| c.get(r).map(str::to_owned)).collect::<Vec<_>>();
        let i = &d.interactions;
        let u = &d.users;
        format!(
            "{:?}",
            (
                (
                    &d.meta,
                    v.ids.iter().collect::<Vec<_>>(),
                    &v.title,
                    lists(&v.tags),
                    &v.length_seconds
                ),
                (
                    rows(&v.language),
                    rows(&v.rating),
                    rows(&v.channel),
                    &v.published_at_ms,
                    &v.likes,
                    &v.comments
                ),
                (
                    &v.views,
                    lists(&v.regions),
                    &v.content_hash,
                    u.ids.iter().collect::<Vec<_>>(),
                    &u.age,
                    rows(&u.gender),
                    &u.latitude
                ),
                (&u.longitude, &u.username, rows(&u.language), rows(&u.time_zone)),
                (
                    &i.user,
                    &i.video,
                    &i.kind,
                    &i.seconds,
                    rows(&i.text),
                    &i.at_ms,
                    &i.latitude,
                    &i.longitude
                ),
                (
                    rows(&i.device),
                    rows(&i.surface),
                    &i.position,
                    &i.relevant,
                    &i.propensity
                ),
            )
        )
    };
    assert_eq!(text(a), text(b));
}

fn word() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[a-zäжあ,\"|\\[ \n]{1,6}")
}

prop_compose! {
    fn any_data()(
        videos in proptest::collection::vec((word(), proptest::collection::vec("[a-c|\\[]{1,3}", 0..3), proptest::option::of(0.001_f32..1e6)), 1..5),
        events in proptest::collection::vec((0..3_u32, 0..8_usize, word(), -9_i64..9, proptest::option::of(0.0_f32..1e4), proptest::option::of(any::<bool>())), 1..9),
    ) -> Dataset {
        let split = Some(SplitInstants { factors_until_ms: -3, train_until_ms: 3 });
        let mut builder = Builder::new(Meta { name: "any".into(), split, ..Meta::default() });
        let count = videos.len() as u32;
        for (row, (text, tags, number)) in videos.iter().enumerate() {
            builder.video(&Video {
                id: &format!("v{row}"),
                title: text.as_deref(),
                tags: &tags.iter().map(String::as_str).collect::<Vec<_>>(),
                length_seconds: *number,
                channel: text.as_deref(),
                likes: *number,
                published_at_ms: number.map(|n| n as i64),
                ..Video::default()
            });
        }
        builder.user(&User { id: "u", age: Some(30.5), username: Some("名"), ..User::default() });
        for (video, kind, text, at_ms, number, flag) in &events {
            let kind = EventKind::ALL[*kind];
            builder.interaction(&Interaction {
                seconds: number.filter(|_| kind == EventKind::Watch),
                text: text.as_deref().filter(|_| matches!(kind, EventKind::Comment | EventKind::Search)),
                device: text.as_deref(),
                position: number.map(|n| n as u32),
                latitude: number.map(|n| n / 1e3),
                relevant: *flag,
                propensity: number.map(|n| n / 1e4),
                ..Interaction::new(0, if kind == EventKind::Search { NONE } else { video % count }, kind, *at_ms)
            });
        }
        builder.finish()
    }
}

proptest! {
    // Each case writes and reads six files: few cases, wide ones.
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn what_is_written_reads_back_the_same_in_both_formats(data in any_data()) {
        let dir = TempDir::new().unwrap();
        for format in [Format::Csv, Format::Parquet] {
            write(&data, dir.path(), format).unwrap();
            assert_same(&data, &load(dir.path(), 0.0).unwrap().data);
        }
    }
}
