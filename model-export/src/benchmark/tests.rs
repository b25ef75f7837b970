#![allow(clippy::unwrap_used)]
use std::fs;
use std::path::{Path, PathBuf};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;
use upnext_core::Code;

use super::hold_out::hold_out;
use super::*;
use crate::models::Model;

/// Files of a split in a directory of their own.
struct Split {
    dir: TempDir,
    sources: Sources,
}

fn split(train: &str, test: &str, negatives: Option<&str>) -> Split {
    let dir = TempDir::new().unwrap();
    let file = |name: &str, text: &str| -> PathBuf {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let sources = Sources {
        train: file("train", train),
        test: file("test", test),
        negatives: negatives.map(|text| file("negatives", text)),
        sample: None,
        format: None,
        min_rating: None,
        rating_is_confidence: false,
        seed: 1,
    };
    Split { dir, sources }
}

/// Items of a user.
type Found = (u32, Vec<u32>);

/// Users' rows of train and what they should find.
fn shape(data: &Data) -> (Vec<Vec<u32>>, Vec<Found>) {
    let train = (0..data.users).map(|u| data.train.row(u).to_vec()).collect();
    (train, data.cases.iter().map(|c| (c.user, c.relevant.clone())).collect())
}

#[test]
fn every_format_gives_the_same_split() {
    let wanted = (vec![vec![0, 1, 2], vec![1]], vec![(0, vec![3]), (1, vec![2])]);
    for (train, test) in [
        ("7\t10\n7\t11\n7\t12\n8\t11\n", "7\t13\n8\t12\n"),
        ("7 10 5\n7 11 3\n7 12 1\n8 11 4\n", "7 13 5\n8 12 5\n"),
        (
            "7\t10\t4\t978300760\n7\t11\t4\t978300761\n7\t12\t3\t978300762\n8\t11\t1\t5\n",
            "7\t13\t4\t9\n8\t12\t1\t9\n",
        ),
        (
            "7::10::5::978300760\r\n7::11::5::1\r\n7::12::5::2\r\n8::11::3::3\r\n",
            "7::13::5::4\r\n8::12::5::5\r\n",
        ),
        (
            "userId,movieId,rating,timestamp\n7,10,4.0,9\n7,11,4.5,9\n7,12,1.0,9\n8,11,2.5,9",
            "userId,movieId,rating,timestamp\n7,13,4.0,9\n8,12,5.0,1\n",
        ),
        ("7 10 11 12\n8 11\n", "7 13\n8 12\n"),
        ("7 10 11 12 \n\n8 11\n9\n", "7 13\n8 12\n9\n"),
        (
            "\u{feff}user_id\titem_id\n7\t10\n7\t11\n7\t12\n8\t11\n",
            "7\t13\n8\t12\n",
        ),
    ] {
        let split = split(train, test, None);
        let data = load(&split.sources).unwrap();
        assert_eq!(shape(&data), wanted, "{train}");
        assert_eq!((data.protocol, data.known), (Protocol::Full, 0));
    }
}

#[test]
fn a_test_file_that_could_be_either_follows_train() {
    // Three fields on each line: two items in a list, or an item and its rating.
    let lists = split("1 10 11 12 13\n2 10\n", "1 14 15\n2 11 12\n", None);
    assert_eq!(
        shape(&load(&lists.sources).unwrap())
            .1
            .iter()
            .map(|c| c.1.len())
            .sum::<usize>(),
        4
    );
    let rows = split("1\t10\n1\t11\n2\t10\n", "1 14 5\n2 11 4\n", None);
    assert_eq!(load(&rows.sources).unwrap().test_len(), 2);
    let unclear = split("1 10 11\n2 10 12\n", "1 14 15 16\n2 11\n", None);
    assert_eq!(load(&unclear.sources).unwrap_err().code(), Code::ConfigInvalid);
    let said = Sources {
        format: Some(FileFormat::Lists),
        ..unclear.sources.clone()
    };
    assert_eq!(load(&said).unwrap().test_len(), 4);
    drop(unclear.dir);
}

#[test]
fn negatives_are_what_a_case_is_ranked_against() {
    let split = split(
        "0\t5\t4\t1\n1\t6\t4\t1\n",
        "0\t25\t5\t2\n1\t5\t5\t2\n",
        Some("(0,25)\t6\t99\t7\n(1,5)\t25\t7\n"),
    );
    let data = load(&split.sources).unwrap();
    assert_eq!((data.protocol, data.items, data.cases.len()), (Protocol::Sampled, 5, 2));
    // Rows in the order of appearance: 5, 6, 25, 99, 7.
    assert_eq!(data.cases[0].against.as_deref(), Some(&[1, 3, 4][..]));
    assert_eq!(data.cases[1].relevant, [0]);
}

#[test]
fn what_cannot_be_read_is_said_with_file_and_line() {
    let fine = "1\t2\n";
    for (train, test, negatives, code, place) in [
        ("1\t2\t5\n1\t3\tgood\n", fine, None, Code::RowsMalformed, "train:2"),
        ("1\t2\t5\n1\t3\tNaN\n", fine, None, Code::RowsMalformed, "train:2"),
        ("1::2::5::9\n1::::5::9\n", fine, None, Code::RowsMalformed, "train:2"),
        ("1,2,5\n\n1\n", fine, None, Code::RowsMalformed, "train:3"),
        ("", fine, None, Code::TableEmpty, "train"),
        (fine, "\n\n", None, Code::TableEmpty, "test"),
        // All of test is in train.
        (fine, fine, None, Code::TableEmpty, "test"),
        (fine, "1\t3\n", Some("1,3\t7\n"), Code::RowsMalformed, "negatives:1"),
        (fine, "1\t3\n", Some("(1,3)\n"), Code::RowsMalformed, "negatives:1"),
        (
            fine,
            "1\t3\n",
            Some("(1,3)\t4\n(1,4)\t2\n"),
            Code::RowsMalformed,
            "negatives:2",
        ),
        (
            fine,
            "1\t3\n",
            Some("(1,3)\t4\t3\n"),
            Code::RowsMalformed,
            "negatives:1",
        ),
        (fine, "1\t3\n", Some(""), Code::TableEmpty, "negatives"),
    ] {
        let split = split(train, test, negatives);
        let error = load(&split.sources).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(place), "{error}: not {place}");
    }
    let split = split(fine, "1\t3\n", None);
    fs::write(&split.sources.train, b"1\t2\n1\t\xff\n").unwrap();
    let error = load(&split.sources).unwrap_err().to_string();
    assert!(error.contains("train:2"), "{error}");
    let gone = Sources {
        test: split.dir.path().join("nowhere"),
        ..split.sources.clone()
    };
    fs::write(&gone.train, fine).unwrap();
    assert_eq!(load(&gone).unwrap_err().code(), Code::FileUnreadable);
}

#[test]
fn low_ratings_are_left_out_and_ratings_can_be_confidence() {
    let split = split("1\t2\t5\n1\t3\t2\n2\t2\t4\n", "1\t4\t5\n2\t4\t1\n", None);
    let sources = Sources {
        min_rating: Some(3.0),
        rating_is_confidence: true,
        ..split.sources.clone()
    };
    let data = load(&sources).unwrap();
    assert_eq!(data.train.weighted(0).collect::<Vec<_>>(), [(0, 5.0)]);
    assert_eq!(data.cases.len(), 1);
    drop(split.dir);
}

/// Scores that are given.
struct Table(usize, Vec<f32>);

impl Model for Table {
    fn scores(&self, users: &[u32], out: &mut [f32]) {
        for (user, row) in users.iter().zip(out.chunks_exact_mut(self.0)) {
            let start = *user as usize * self.0;
            row.copy_from_slice(&self.1[start..start + self.0]);
        }
    }
}

/// Rankings by sorting everything, figures by their definition.
fn naive(table: &Table, data: &Data, k: usize) -> [f64; 6] {
    let mut sums = [0.0; 6];
    for case in &data.cases {
        let scores = &table.1[case.user as usize * table.0..];
        let mut all: Vec<u32> = match &case.against {
            Some(against) => against.iter().chain(&case.relevant).copied().collect(),
            None => (0..table.0 as u32)
                .filter(|i| !data.train.row(case.user as usize).contains(i))
                .collect(),
        };
        all.sort_by(|a, b| {
            scores[*b as usize]
                .partial_cmp(&scores[*a as usize])
                .unwrap()
                .then(a.cmp(b))
        });
        all.truncate(k);
        let places: Vec<usize> = (0..all.len()).filter(|p| case.relevant.contains(&all[*p])).collect();
        let best = case.relevant.len().min(k);
        let gain = |place: usize| 1.0 / (place as f64 + 2.0).log2();
        sums[0] += f64::from(u8::from(!places.is_empty()));
        sums[1] += places.iter().map(|p| gain(*p)).sum::<f64>() / (0..best).map(gain).sum::<f64>();
        sums[2] += places.len() as f64 / case.relevant.len() as f64;
        sums[3] += places.len() as f64 / k as f64;
        let precisions = places
            .iter()
            .enumerate()
            .map(|(hits, place)| (hits + 1) as f64 / (place + 1) as f64);
        sums[4] += precisions.sum::<f64>() / best as f64;
        sums[5] += places.first().map_or(0.0, |place| 1.0 / (place + 1) as f64);
    }
    sums.map(|sum| sum / data.cases.len() as f64)
}

/// A random split with many ties among scores.
fn random(users: usize, items: usize) -> (Table, String, String) {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let scores = (0..users * items)
        .map(|_| rng.random_range(0..60) as f32 - 30.0)
        .collect();
    let (mut train, mut test) = (String::new(), String::new());
    for user in 0..users {
        for item in 0..items {
            match rng.random_range(0..12) {
                0 => train.push_str(&format!("{user}\t{item}\n")),
                1 => test.push_str(&format!("{user}\t{item}\n")),
                _ => {}
            }
        }
    }
    (Table(items, scores), train, test)
}

#[test]
fn figures_equal_those_of_sorting_everything() {
    let (users, items) = (40, 700);
    let (table, train, test) = random(users, items);
    let split = split(&train, &test, None);
    for sample in [None, Some(60)] {
        let data = load(&Sources {
            sample,
            ..split.sources.clone()
        })
        .unwrap();
        let table = Table(data.items, table.1[..data.users * data.items].to_vec());
        let figures = rank(&table, &data);
        for k in KS {
            let wanted = naive(&table, &data, k);
            for (name, wanted) in ["hr", "ndcg", "recall", "precision", "map", "mrr"].iter().zip(wanted) {
                let found = figures.get(&format!("{name}@{k}"));
                assert!((found - wanted).abs() < 1e-9, "{name}@{k}: {found} {wanted}");
            }
        }
    }
}

#[test]
fn scores_that_are_not_numbers_come_last() {
    let split = split("1\t2\n", "1\t3\n", Some("(1,3)\t4\t5\n"));
    let data = load(&split.sources).unwrap();
    let with = |score: f32| rank(&Table(4, vec![0.0, score, -1.0, f32::NEG_INFINITY]), &data).get("hr@1");
    assert_eq!((with(0.5), with(f32::NAN)), (1.0, 0.0));
}

/// A planted low-rank world: of what a user would like, some is in train and some in test. One third of the items is liked
/// by far more than others, whoever asks.
fn planted() -> (String, String) {
    let (users, items, rank) = (300, 120, 3);
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let mut side = |count: usize| -> Vec<f32> { (0..count * rank).map(|_| rng.random::<f32>() - 0.5).collect() };
    let (u, v) = (side(users), side(items));
    let (mut train, mut test) = (String::new(), String::new());
    for a in 0..users {
        for b in 0..items {
            let taste: f32 = (0..rank).map(|k| u[a * rank + k] * v[b * rank + k]).sum();
            if taste + if b % 3 == 0 { 0.05 } else { 0.0 } > 0.12 {
                let line = format!("{a}\t{b}\t1\t{}\n", rng.random_range(0..1000));
                if rng.random_range(0..4) == 0 {
                    &mut test
                } else {
                    &mut train
                }
                .push_str(&line);
            }
        }
    }
    (train, test)
}

#[test]
fn in_a_planted_world_every_personal_model_beats_popularity() {
    let (train, test) = planted();
    let split = split(&train, &test, None);
    let data = load(&split.sources).unwrap();
    let ndcg = |model, asked: Overrides| {
        let settings = Settings::new(model, &asked, &data);
        rank(fit(&data.train, &settings, |_| {}).unwrap().model.as_ref(), &data).get("ndcg@10")
    };
    let popular = ndcg(ModelKind::Popular, Overrides::default());
    let narrow = Overrides {
        dim: Some(8),
        ..Overrides::default()
    };
    for (model, asked) in [
        (ModelKind::Wmf, narrow),
        (ModelKind::Bpr, narrow),
        (ModelKind::Graph, narrow),
        (
            ModelKind::Ease,
            Overrides {
                reg: Some(20.0),
                ..Overrides::default()
            },
        ),
        (ModelKind::Itemknn, Overrides::default()),
    ] {
        let figure = ndcg(model, asked);
        assert!(figure > popular + 0.1, "{model:?}: {figure}, popular {popular}");
    }
}

#[test]
fn a_hold_out_is_of_train_alone_and_shaped_as_test_is() {
    let split = split(
        "1 10 5 1\n1 11 5 9\n1 12 5 2\n2 10 5 1\n2 11 5 3\n3 10 5 1\n",
        "1 13 5 10\n2 12 5 10\n3 11 5 10\n",
        None,
    );
    let data = load(&Sources {
        format: Some(FileFormat::Rows),
        ..split.sources.clone()
    })
    .unwrap();
    let held = hold_out(&data, 1);
    // The latest of each, and nobody loses their only one.
    assert_eq!(
        shape(&held),
        (vec![vec![0, 2], vec![0], vec![0]], vec![(0, vec![1]), (1, vec![1])])
    );
    let (train, test) = planted();
    let split = self::split(&train, &test, None);
    let data = load(&split.sources).unwrap();
    let held = hold_out(&data, 1);
    assert_eq!(held.train.len() + held.test_len(), data.train.len());
    for case in &held.cases {
        let user = case.user as usize;
        assert!(
            case.relevant
                .iter()
                .all(|i| data.train.row(user).contains(i) && !held.train.row(user).contains(i))
        );
    }
    let share = |d: &Data| d.test_len() as f64 / (d.test_len() + d.train.len()) as f64;
    assert!((share(&data) - share(&held)).abs() < 0.02);
}

fn log_lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_search_finds_better_settings_and_goes_on_where_it_was_cut_off() {
    let (train, test) = planted();
    let split = split(&train, &test, None);
    let data = load(&split.sources).unwrap();
    // Defaults that are far off.
    let start = Settings::new(
        ModelKind::Wmf,
        &Overrides {
            dim: Some(8),
            alpha: Some(0.02),
            reg: Some(0.3),
            epochs: Some(8),
            ..Overrides::default()
        },
        &data,
    );
    let log = split.dir.path().join("log.jsonl");
    let config = TuneConfig {
        trials: 9,
        log: Some(log.clone()),
    };
    let (best, tuned) = tune(&data, start, &Overrides::default(), &config).unwrap();
    assert!(tuned.value > tuned.default_value + 0.01, "{tuned:?}");
    assert_eq!(best.epochs, 8);
    let whole = log_lines(&log);
    // Cut off in the middle of the fifth line.
    fs::write(&log, format!("{}\n{}", whole[..4].join("\n"), &whole[4][..30])).unwrap();
    assert_eq!(
        tune(&data, start, &Overrides::default(), &config).unwrap(),
        (best, tuned.clone())
    );
    let again = log_lines(&log);
    assert_eq!(again[..4], whole[..4]);
    assert_eq!(again.len(), whole.len() + 1);
    // All is there: nothing is trained.
    assert_eq!(
        tune(&data, start, &Overrides::default(), &config).unwrap(),
        (best, tuned)
    );
    assert_eq!(log_lines(&log).len(), again.len());
}

#[test]
fn the_report_names_figures_as_they_are_asked_for() {
    let split = split("1\t2\n2\t2\n2\t3\n", "1\t3\n", None);
    let data = load(&split.sources).unwrap();
    let settings = Settings::new(ModelKind::Popular, &Overrides::default(), &data);
    let figures = rank(fit(&data.train, &settings, |_| {}).unwrap().model.as_ref(), &data);
    let report = serde_json::to_value(Report::of(&data, settings, figures)).unwrap();
    for k in KS {
        for name in ["hr", "ndcg", "recall", "precision", "map", "mrr"] {
            assert!(report["metrics"][format!("{name}@{k}")].is_f64(), "{name}@{k}");
        }
    }
    assert_eq!(report["metrics"]["hr@1"], 1.0);
}
