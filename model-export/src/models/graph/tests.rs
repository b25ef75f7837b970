#![allow(clippy::unwrap_used)]
use super::*;
use crate::factors::tests::checkerboard;

/// Somebody with three, two with two, somebody with one, somebody with none; an item of nobody.
fn small() -> Ones {
    Ones::from_pairs(5, 5, [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2), (2, 3), (3, 0)])
}

/// `P` in f64, by its definition.
fn dense(ones: &Ones) -> Vec<Vec<f64>> {
    let by_item = ones.transposed();
    let (users, items) = (ones.rows(), ones.columns());
    let n = |u: usize, i: usize| match ones.row(u).contains(&(i as u32)) {
        true => 1.0 / (ones.row(u).len() as f64 * by_item.row(i).len() as f64).sqrt(),
        false => 0.0,
    };
    (0..items)
        .map(|i| {
            (0..items)
                .map(|j| (0..users).map(|u| n(u, i) * n(u, j)).sum())
                .collect()
        })
        .collect()
}

fn times(x: &[f64], p: &[Vec<f64>]) -> Vec<f64> {
    (0..x.len())
        .map(|j| x.iter().zip(p).map(|(x, row)| x * row[j]).sum())
        .collect()
}

fn config(rank: usize, low_pass: f32, sharpen: f32) -> GraphConfig {
    GraphConfig {
        rank,
        low_pass,
        sharpen,
        sweeps: 40,
        seed: 3,
    }
}

fn scores(ones: &Ones, config: &GraphConfig) -> Vec<f32> {
    let users: Vec<u32> = (0..ones.rows() as u32).collect();
    let mut out = vec![f32::NAN; ones.rows() * ones.columns()];
    GraphFilter::of(ones, config, |_| {}).unwrap().scores(&users, &mut out);
    out
}

#[test]
fn smoothing_and_sharpening_are_what_dense_matrices_say() {
    for ones in [small(), checkerboard(20)] {
        let p = dense(&ones);
        let items = ones.columns();
        for t in [0.0, 0.7, 2.5] {
            let found = scores(&ones, &config(0, 0.0, t));
            for user in 0..ones.rows() {
                let mut r = vec![0.0; items];
                ones.row(user).iter().for_each(|i| r[*i as usize] = 1.0);
                let mut power = times(&r, &p);
                let mut wanted = power.clone();
                let mut factor = 1.0;
                for term in 1..=4 {
                    power = times(&power, &p);
                    factor *= -f64::from(t) / f64::from(term);
                    wanted.iter_mut().zip(&power).for_each(|(w, x)| *w += factor * x);
                }
                for (found, wanted) in found[user * items..].iter().zip(&wanted) {
                    assert!(
                        (f64::from(*found) - wanted).abs() < 1e-5,
                        "t {t}, user {user}: {found} {wanted}"
                    );
                }
            }
        }
    }
}

#[test]
fn all_singular_vectors_give_back_what_a_user_has() {
    // V Vᵀ is then the projection on the span of all rows of N, and r D^-½ lies in it.
    let ones = small();
    let broad = scores(&ones, &config(5, 2.0, 0.0));
    let plain = scores(&ones, &config(0, 0.0, 0.0));
    for user in 0..5 {
        for item in 0..5 {
            let at = user * 5 + item;
            let has = f32::from(u8::from(ones.row(user).contains(&(item as u32))));
            assert!(
                (broad[at] - plain[at] - 2.0 * has).abs() < 1e-4,
                "{user} {item}: {}",
                broad[at] - plain[at]
            );
        }
    }
}

#[test]
fn the_leading_vectors_are_those_of_the_greatest_eigenvalues() {
    let ones = checkerboard(24);
    let normal = Normal::of(&ones);
    let rank = 2;
    let vectors = leading(&normal, rank, 60, 1, |_| {}).unwrap();
    // Rayleigh quotients: trace of VᵀPV is the sum of the two greatest eigenvalues. Two colours, each joined
    // within itself alone: both are 1.
    let p = dense(&ones);
    let trace: f64 = (0..rank)
        .map(|k| {
            let v: Vec<f64> = vectors.chunks_exact(rank).map(|row| f64::from(row[k])).collect();
            times(&v, &p).iter().zip(&v).map(|(a, b)| a * b).sum::<f64>()
        })
        .sum();
    assert!((trace - 2.0).abs() < 1e-4, "{trace}");
}

#[test]
fn settings_out_of_range_are_refused_and_nobody_is_no_trouble() {
    for bad in [
        config(2, f32::NAN, 0.0),
        config(2, -1.0, 0.0),
        config(2, 0.3, 5.0),
        config(5000, 0.3, 0.0),
    ] {
        let error = GraphFilter::of(&small(), &bad, |_| {}).unwrap_err();
        assert!(matches!(error, Error::ConfigInvalid { .. }), "{error}");
    }
    assert!(
        scores(&Ones::from_pairs(2, 3, []), &config(2, 0.3, 1.0))
            .iter()
            .all(|v| *v == 0.0)
    );
    assert!(scores(&Ones::from_pairs(0, 0, []), &config(2, 0.3, 1.0)).is_empty());
}
