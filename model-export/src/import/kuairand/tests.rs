#![allow(clippy::unwrap_used)]

use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::history::{Lists, merge};
use super::*;
use crate::label::encounters;
use crate::split::{Side, Split};

const LOG: &str = "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_comment,is_forward,is_hate,long_view,play_time_ms,duration_ms,tab\n";

fn fixture(log: &str, history: &str) -> Imported {
    let dir = TempDir::new().unwrap();
    let derived = dir.path().join("derived");
    fs::create_dir(&derived).unwrap();
    let videos = "video_id,author_id,video_type,upload_dt,video_duration,tag\n\
        10,7,NORMAL,2022-04-10,20000.0,\"12,65\"\n11,7,AD,2022-04-09,,\n";
    fs::write(dir.path().join("video_features_basic_pure.csv"), videos).unwrap();
    fs::write(dir.path().join("user_features_pure.csv"), "user_id,age\n1,x\n2,x\n").unwrap();
    fs::write(
        derived.join("interactions_20220425_20220508.csv"),
        format!("{LOG}{log}"),
    )
    .unwrap();
    let history = format!("user_id,kind,pos,video_id\n{history}");
    let packed = zstd::encode_all(history.as_bytes(), 1).unwrap();
    fs::write(derived.join("history_20220408_20220424_last50.csv.zst"), packed).unwrap();
    import(dir.path()).unwrap()
}

#[test]
fn a_row_of_the_log_becomes_its_events_at_its_instant() {
    let row = "1,10,20220425,0,1650812741436,1,1,1,1,1,1,15000,20000,4\n";
    let data = fixture(row, "").data;
    use EventKind::{Comment, Impression, Like, NotInterested, Share, Watch};
    assert_eq!(
        data.interactions.kind,
        [Impression, Watch, Like, Comment, Share, NotInterested]
    );
    assert!(data.interactions.at_ms.iter().all(|t| *t == 1_650_812_741_436));
    assert_eq!(data.interactions.seconds[1], Some(15.0));
    assert_eq!(data.interactions.surface.get(0), Some("4"));
    // 24 April, 23:05 in UTC+8: still Sunday, whatever date and hourmin say.
    let local = data.context(0).local_time().unwrap();
    assert_eq!((local.hour as u32, local.weekday), (23, 6));
}

#[test]
fn nothing_that_the_log_lacks_is_invented() {
    let data = fixture("1,10,20220425,0,1650816000000,0,0,0,0,0,0,0,20000,1\n", "").data;
    assert_eq!(
        data.interactions.kind,
        [EventKind::Impression],
        "no play time, no watch"
    );
    let profile = data.profile(0, Some(0));
    assert_eq!((profile.age, profile.gender, profile.language), (None, None, None));
    assert_eq!(data.context(0).device, None);
    assert_eq!(data.videos.title[0], None);
    assert_eq!(data.videos.channel.get(0), Some("7"));
    assert_eq!(data.videos.tags.get(0).collect::<Vec<_>>(), ["12", "65"]);
    // Midnight of 10 April in Shanghai.
    assert_eq!(data.videos.published_at_ms[0], Some(1_649_520_000_000));
}

#[test]
fn repeats_and_rows_without_duration_are_left_out_and_counted() {
    let row = "1,10,20220425,0,1650816000000,0,0,0,0,0,0,900,20000,1\n";
    let other = "1,10,20220425,100,1650816000000,0,0,0,0,0,0,900,20000,1\n";
    let log = format!(
        "{row}{row}{other}2,11,20220425,0,1650816000001,0,0,0,0,0,0,900,0,1\n9,9,20220425,0,5,0,0,0,0,0,0,9,9,1\n"
    );
    let imported = fixture(&log, "");
    assert_eq!(imported.data.interactions.len(), 2);
    let text = imported.counts.join("\n");
    assert!(
        text.contains("5 rows; left out 2 that repeat user, video and time, 1 with duration_ms <= 0, 1 of unknown"),
        "{text}"
    );
}

#[test]
fn a_length_that_the_video_table_lacks_comes_from_the_log() {
    let data = fixture("1,11,20220425,0,1650816000000,0,0,0,0,0,0,900,30000,1\n", "").data;
    assert_eq!(data.videos.length_seconds, [Some(20.0), Some(30.0)]);
}

#[test]
fn history_ends_one_millisecond_before_the_log_and_keeps_its_order() {
    let history = "1,watch,0,10\n1,watch,1,11\n1,long_view,0,11\n1,like,0,10\n";
    let data = fixture("1,10,20220425,0,1650816000000,0,0,0,0,0,0,900,20000,1\n", history).data;
    let rows = data.interactions.before(FACTORS_UNTIL_MS);
    assert_eq!(data.interactions.video[..rows], [0, 0, 1]);
    assert_eq!(data.interactions.relevant[..rows], [Some(false), None, Some(true)]);
    assert!(
        data.interactions.at_ms[..rows]
            .iter()
            .all(|t| *t == FACTORS_UNTIL_MS - 1)
    );
}

proptest! {
    /// Whatever the true log was: from its capped lists, every kept row gets its own judgement back
    /// (videos are distinct here), and older long views are not lost.
    #[test]
    fn capped_lists_give_the_judgements_back(truth in proptest::collection::vec((any::<bool>(), any::<bool>()), 0..30), cap in 1..12_usize) {
        let rows: Vec<(u32, bool, bool)> = truth.iter().enumerate().map(|(i, (l, k))| (i as u32, *l, *k)).collect();
        let last = |keep: &dyn Fn(&(u32, bool, bool)) -> bool| -> Vec<u32> {
            let all: Vec<u32> = rows.iter().filter(|r| keep(r)).map(|r| r.0).collect();
            all[all.len().saturating_sub(cap)..].to_vec()
        };
        let lists = Lists { watch: last(&|_| true), long_view: last(&|r| r.1), like: last(&|r| r.2) };
        let steps = merge(&lists);
        let kept = rows.len().min(cap);
        for (step, row) in steps[steps.len() - kept..].iter().zip(&rows[rows.len() - kept..]) {
            prop_assert_eq!((step.video, step.long_view, step.liked), (row.0, Some(row.1), row.2));
        }
        prop_assert_eq!(steps.iter().filter(|s| s.long_view == Some(true)).count(), lists.long_view.len());
        prop_assert_eq!(steps.iter().filter(|s| s.liked).count(), lists.like.len());
    }
}

#[test]
fn the_real_log_has_the_figures_of_its_source_note() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/kuairand-pure");
    if !dir.is_dir() {
        println!("skipped: no kuairand-pure beside the checkout");
        return;
    }
    let data = import(&dir).unwrap().data;
    let split = Split::of(&data).unwrap();
    let found = encounters(&data, &split);
    let count = |side| {
        split
            .examples(&found, side)
            .fold((0, 0), |(n, r), (_, label)| (n + 1, r + i32::from(label)))
    };
    let (train, test) = (count(Side::Train), count(Side::Test));
    // 228,329 rows − 5,885 repeats − those without duration; some are of the hour before the first midnight.
    let early = count(Side::Factors);
    let all = (early.0 + train.0 + test.0, early.1 + train.1 + test.1);
    assert_eq!(
        all.0,
        data.interactions
            .kind
            .iter()
            .filter(|k| **k == EventKind::Impression)
            .count() as i32
    );
    // Counted from the files by another program.
    assert_eq!(all, (218_876, 59_778));
    assert_eq!(test, (128_555, 35_361));
    assert!(early.0 < 2_000, "{}", early.0);
    assert_eq!(data.videos.len(), 7_583);
    assert_eq!(data.users.len(), 27_285);
}
