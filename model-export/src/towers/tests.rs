#![allow(clippy::unwrap_used)]
use burn::tensor::Device;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use upnext_core::Code;
use upnext_core::feature::{Column, EncodedItem, ItemLayout, UserLayout};

use super::model::{ItemTower, Seen, UserTower};
use super::*;

const GROUPS: usize = 3;

fn column(rows: u32) -> Column {
    Column { name: "test", rows }
}

fn user_layout() -> UserLayout {
    UserLayout {
        categorical: [column(4); 9],
        dense: GROUPS,
        counts_at: 0,
        factor_at: 0,
        cold_at: 0,
    }
}

fn item_layout() -> ItemLayout {
    ItemLayout {
        categorical: [column(65), column(65), column(2), column(2), column(2)],
        tags: column(1 + GROUPS as u32),
        max_tags: 2,
        dense: 2,
    }
}

/// Videos with an id each and the tag of their group, `row % GROUPS`.
fn catalogue(count: usize) -> ItemInputs {
    let video = |row: usize| EncodedItem {
        categorical: vec![1 + (row as u32 * 7) % 64, 1 + (row as u32 * 13) % 64, 1, 0, 1],
        tags: vec![1 + (row % GROUPS) as u32, 0],
        dense: vec![0.5, -0.5],
    };
    ItemInputs::new(&(0..count).map(video).collect::<Vec<_>>())
}

/// Moments whose dense input names their group.
fn moments(groups: &[usize]) -> UserInputs {
    UserInputs {
        count: groups.len(),
        columns: 9,
        dense_dim: GROUPS,
        categorical: vec![0; groups.len() * 9],
        dense: groups
            .iter()
            .flat_map(|g| (0..GROUPS).map(move |i| f32::from(u8::from(i == *g))))
            .collect(),
    }
}

fn config(objective: Objective) -> TowerConfig {
    TowerConfig {
        vector_dim: 8,
        hidden: 16,
        epochs: 12,
        final_epochs: 2,
        batch: 64,
        rate: 5e-3,
        negatives: if objective == Objective::Bce { 2 } else { 4 },
        ..TowerConfig::new(objective)
    }
}

fn train(
    items: &ItemInputs,
    groups: &[usize],
    examples: &Examples,
    config: &TowerConfig,
) -> Result<TrainedTowers, crate::Error> {
    let material = Material {
        user_layout: user_layout(),
        item_layout: item_layout(),
        items,
        examples,
        encode: &|_| Ok(moments(groups)),
        device: Device::flex(),
    };
    fit(&material, config, |_, _| {})
}

fn score(towers: &TrainedTowers, group: usize, vector: &[f32]) -> f32 {
    let inputs = moments(&[group]);
    let user = towers.user.forward(inputs.categorical(0), inputs.dense(0));
    user.iter().zip(vector).map(|(a, b)| a * b).sum()
}

/// Every user has a group of videos that they watch to the end, and leave the others.
fn planted(items: usize, count: usize) -> (Vec<usize>, Examples) {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let (mut groups, mut examples) = (Vec::new(), Examples::default());
    for i in 0..count {
        let (group, video) = (rng.random_range(0..GROUPS), rng.random_range(0..items));
        groups.push(group);
        examples.user.push(i as u32);
        examples.video.push(video as u32);
        examples.relevant.push(video % GROUPS == group);
    }
    (groups, examples)
}

#[test]
fn both_objectives_learn_who_likes_which_group_and_know_a_cold_video_by_its_content() {
    let items = catalogue(30);
    let (groups, examples) = planted(30, 3000);
    for objective in [Objective::SampledSoftmax, Objective::Bce] {
        let towers = train(&items, &groups, &examples, &config(objective)).unwrap();
        let cold: Vec<Vec<f32>> = (0..GROUPS)
            .map(|g| towers.item.forward(&[0, 0, 1, 0, 1], &[1 + g as u32, 0], &[0.5, -0.5]))
            .collect();
        for group in 0..GROUPS {
            let (mut own, mut other) = (f32::MAX, f32::MIN);
            for (row, vector) in towers.vectors.values.chunks_exact(8).enumerate() {
                let s = score(&towers, group, vector);
                if row % GROUPS == group {
                    own = own.min(s)
                } else {
                    other = other.max(s)
                }
            }
            assert!(own > other, "{objective:?} group {group}: {own} {other}");
            for (tag, vector) in cold.iter().enumerate().filter(|(tag, _)| *tag != group) {
                assert!(
                    score(&towers, group, &cold[group]) > score(&towers, group, vector) + 0.2,
                    "cold {tag}"
                );
            }
        }
        assert!(towers.loss.last() < towers.loss.first());
    }
}

/// Video 0 is nine tenths of what group 0 watches, so it is popular in every batch. With the right
/// sign of the correction the scores rank by what a group watches, however popular it is elsewhere.
#[test]
fn popularity_is_corrected_in_the_right_direction() {
    let items = catalogue(12);
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let (mut groups, mut examples) = (Vec::new(), Examples::default());
    for i in 0..6000 {
        // Group 1 watches video 0 more than video 1, group 2 watches it less.
        let (group, video) = match (i % 6, rng.random::<f32>()) {
            (0, p) => (1, u32::from(p > 0.62)),
            (1, p) => (2, u32::from(p > 0.3)),
            (_, p) if p < 0.9 => (0, 0),
            _ => (0, rng.random_range(2..12)),
        };
        groups.push(group);
        examples.user.push(i);
        examples.video.push(video);
        examples.relevant.push(true);
    }
    let towers = train(&items, &groups, &examples, &config(Objective::SampledSoftmax)).unwrap();
    let score = |group, video: usize| score(&towers, group, &towers.vectors.values[video * 8..(video + 1) * 8]);
    assert!(score(1, 0) > score(1, 1), "popular and more relevant wins");
    assert!(score(2, 0) < score(2, 1), "popular and less relevant loses");
}

#[test]
fn the_graph_of_training_equals_the_plain_forward_pass() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let widths = config(Objective::Bce).widths();
    let (user, item) = (
        UserTower::new(&user_layout(), &widths, &mut rng),
        ItemTower::new(&item_layout(), &widths, &mut rng),
    );
    let (items, users) = (catalogue(5), moments(&[0, 1, 2, 1]));
    let device = Device::flex().autodiff();
    let rows = user
        .batch(&users, &[3, 0, 2], &device)
        .vectors
        .try_into_vec_as::<f32>()
        .unwrap();
    for (row, vector) in [3, 0, 2].into_iter().zip(rows.chunks_exact(8)) {
        let plain = user.weights().forward(users.categorical(row), users.dense(row));
        assert!(vector.iter().zip(plain).all(|(a, b)| (a - b).abs() < 1e-6));
    }
    let seen = |video, anonymous| Seen { video, anonymous };
    let rows = item
        .batch(&items, &[seen(1, false), seen(4, true)], &device)
        .vectors
        .try_into_vec_as::<f32>()
        .unwrap();
    let mut hidden = items.categorical(4).to_vec();
    hidden[..2].fill(0);
    for (vector, (categorical, row)) in rows.chunks_exact(8).zip([(items.categorical(1), 1), (&hidden, 4)]) {
        let plain = item.weights().forward(categorical, items.tags(row), items.dense(row));
        assert!(vector.iter().zip(plain).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}

#[test]
fn equal_seeds_give_equal_weights() {
    let items = catalogue(9);
    let (groups, examples) = planted(9, 200);
    let run = || train(&items, &groups, &examples, &config(Objective::SampledSoftmax)).unwrap();
    let (a, b) = (run(), run());
    assert_eq!((a.user, a.item, a.loss), (b.user, b.item, b.loss));
}

#[test]
fn a_loss_that_is_not_finite_is_an_error_with_its_code() {
    let items = catalogue(9);
    let (groups, examples) = planted(9, 200);
    let wild = TowerConfig {
        rate: f32::MAX,
        ..config(Objective::Bce)
    };
    assert_eq!(
        train(&items, &groups, &examples, &wild).unwrap_err().code(),
        Code::TrainingDiverged
    );
    let wrong = TowerConfig {
        temperature: 0.0,
        ..config(Objective::Bce)
    };
    assert_eq!(
        train(&items, &groups, &examples, &wrong).unwrap_err().code(),
        Code::ConfigInvalid
    );
}
