#![allow(clippy::unwrap_used)]
use super::*;
use crate::factors::tests::checkerboard;
use crate::factors::{FactorConfig, Ones, factorise};

#[test]
fn every_personal_model_puts_the_held_out_item_before_all_of_the_other_colour() {
    let ones = checkerboard(40);
    let factors = factorise(
        &ones,
        &FactorConfig {
            dim: 6,
            l2: 0.1,
            ..FactorConfig::default()
        },
        |_, _| {},
    )
    .unwrap();
    let config = BprConfig {
        dim: 8,
        rate: 0.1,
        l2: 0.002,
        epochs: 60,
        seed: 1,
    };
    let filter = GraphConfig {
        rank: 4,
        low_pass: 0.3,
        sharpen: 1.0,
        sweeps: 8,
        seed: 1,
    };
    let models: [(&str, Box<dyn Model>); 5] = [
        ("wmf", Box::new(ByFactors::new(factors))),
        ("bpr", Box::new(ByFactors::new(bpr(&ones, &config, |_| {}).unwrap()))),
        ("ease", Box::new(Ease::of(&ones, 5.0).unwrap())),
        ("itemknn", Box::new(ItemKnn::of(&ones, 30, 1.0))),
        ("graph", Box::new(GraphFilter::of(&ones, &filter, |_| {}).unwrap())),
    ];
    for (name, model) in models {
        let users: Vec<u32> = (0..40).collect();
        let mut scores = vec![f32::NAN; 40 * 40];
        model.scores(&users, &mut scores);
        for user in 0..40 {
            let row = &scores[user * 40..(user + 1) * 40];
            let held_out = row[(user + 4) % 40];
            assert!(
                (0..40).filter(|i| i % 2 != user % 2).all(|i| row[i] < held_out),
                "{name}: user {user}"
            );
        }
    }
}

/// Someone with two, someone with three, someone with none.
fn small() -> Ones {
    Ones::from_pairs(4, 4, [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (3, 0)])
}

#[test]
fn popularity_counts() {
    let mut scores = vec![0.0; 8];
    Popular::of(&small()).scores(&[0, 2], &mut scores);
    assert_eq!(scores, [3.0, 2.0, 1.0, 0.0, 3.0, 2.0, 1.0, 0.0]);
}

#[test]
fn neighbours_are_the_nearest_by_shrunk_cosine() {
    let mut scores = vec![0.0; 4];
    let like = |both: f32, a: f32, b: f32| both / ((a * b).sqrt() + 0.5);
    ItemKnn::of(&small(), 10, 0.5).scores(&[3], &mut scores);
    assert_eq!(scores, [0.0, like(2.0, 3.0, 2.0), like(1.0, 3.0, 1.0), 0.0]);
    // With one neighbour each, item 2 is nearer to item 1 than to item 0.
    ItemKnn::of(&small(), 1, 0.5).scores(&[3], &mut scores);
    assert_eq!(scores, [0.0, like(2.0, 3.0, 2.0), 0.0, 0.0]);
}

#[test]
fn ease_meets_its_optimality_conditions() {
    // (XᵀX + l2) B = XᵀX off the diagonal, up to the multipliers that hold the diagonal at 0.
    let (ones, l2) = (small(), 0.7);
    let mut b = [0.0_f32; 16];
    let units = Ones::from_pairs(4, 4, (0..4).map(|i| (i, i)));
    let ease = Ease::of(&ones, l2).unwrap();
    // Scores of somebody who has item `i` alone are row `i` of the weights.
    Ease { ones: units, ..ease }.scores(&[0, 1, 2, 3], &mut b);
    let gram = |i: usize, j: usize| {
        (0..4)
            .filter(|u| [i, j].iter().all(|x| ones.row(*u).contains(&(*x as u32))))
            .count() as f32
    };
    for i in 0..4 {
        assert_eq!(b[i * 4 + i], 0.0);
        for j in (0..4).filter(|j| *j != i) {
            let left: f32 = (0..4)
                .map(|k| (gram(i, k) + if i == k { l2 } else { 0.0 }) * b[k * 4 + j])
                .sum();
            assert!((left - gram(i, j)).abs() < 1e-4, "{i} {j}: {left}");
        }
    }
}

#[test]
fn too_many_items_for_ease_are_said_by_code() {
    use upnext_core::Code;
    let wide = Ones::from_pairs(1, EASE_MAX_ITEMS + 1, [(0, 0)]);
    assert_eq!(Ease::of(&wide, 1.0).unwrap_err().code(), Code::ConfigInvalid);
    assert_eq!(Ease::of(&small(), 0.0).unwrap_err().code(), Code::ConfigInvalid);
}
