#![allow(clippy::unwrap_used)]

use tempfile::TempDir;

use super::*;
use crate::evaluate::SlateHits;
use crate::towers::Objective;

#[test]
fn a_change_is_paired_and_of_nothing_it_is_nothing() {
    let measured = |better: bool| Measured {
        users: (0..400).map(|i| i / 4).collect(),
        relevant: (0..400).map(|i| i % 4 == 0).collect(),
        two_tower: (0..400).map(|i| (i * 37 % 101) as f32).collect(),
        device: (0..400)
            .map(|i| (i * 37 % 101) as f32 + if better && i % 4 == 0 { 40.0 } else { 0.0 })
            .collect(),
        slates: (0..100)
            .map(|user| SlateHits {
                user,
                relevant: 2,
                two_tower: vec![false, true],
                device: vec![better && user % 2 == 0, user % 5 == 0],
            })
            .collect(),
    };
    let (device, towers) = compare::changes(&measured(true), &measured(false));
    for name in ["auc", "user_auc", "precision@10", "map@10", "ndcg@10"] {
        let change = device[name].change;
        assert!(change.high < 0.0 && change.low <= change.value, "{name} {change:?}");
        assert_eq!(
            towers[name].change,
            Interval {
                value: 0.0,
                low: 0.0,
                high: 0.0
            },
            "{name}"
        );
    }
    assert!((device["precision@10"].whole - 0.07).abs() < 1e-12);
    assert!((device["precision@10"].change.value + 0.05).abs() < 1e-12);
}

#[test]
fn groups_are_measured_kept_and_taken_up_again() {
    let (dir, data) = (TempDir::new().unwrap(), crate::evaluate::fixture::world(5));
    let mut train = TrainConfig::new(Objective::SampledSoftmax, 3);
    train.towers.epochs = 1;
    train.towers.final_epochs = 1;
    let config = AblateConfig {
        train,
        groups: vec![Group::Tags, Group::SignalVideo],
        users: 40,
        diversity: 0.3,
    };
    let found = ablate(&data, &config, dir.path(), &[]).unwrap();
    assert_eq!(
        found.rows.iter().map(|row| row.group).collect::<Vec<_>>(),
        config.groups
    );
    assert!(found.users <= 40 && found.absent.is_empty());
    // Tags are the towers'; the video's own rate is the ranker's, and the towers stay as they were.
    assert!(found.rows[0].two_tower["auc"].change.value.abs() > 1e-6);
    assert_eq!(found.rows[1].two_tower["auc"].change.value, 0.0);
    assert!(found.rows[1].device["auc"].change.value.abs() > 1e-6);
    let text = found.table();
    assert!(
        text.contains("item tower: tags") && text.contains("ranker: the video's own rate"),
        "{text}"
    );

    let runs = || {
        let mut names: Vec<_> = fs::read_dir(dir.path().join("runs"))
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        names.sort();
        names
            .iter()
            .map(|path| (path.clone(), fs::metadata(path).unwrap().modified().unwrap()))
            .collect::<Vec<_>>()
    };
    let before = runs();
    assert_eq!(before.len(), 3);
    assert_eq!(ablate(&data, &config, dir.path(), &[]).unwrap(), found);
    assert_eq!(runs(), before, "a kept run was made again");
    // One run is lost: it alone is made again, and gives the same.
    fs::remove_file(&before[0].0).unwrap();
    assert_eq!(ablate(&data, &config, dir.path(), &[]).unwrap(), found);
    assert_eq!(runs()[1..], before[1..]);
}
