#![allow(clippy::unwrap_used)]
use super::*;

fn config(dim: usize) -> FactorConfig {
    FactorConfig {
        dim,
        lambda: 0.05,
        l2: 0.05,
        sweeps: 15,
        seed: 3,
        ..FactorConfig::default()
    }
}

fn score(f: &Factors, user: usize, item: usize) -> f32 {
    let (u, v) = (
        &f.users[user * f.dim..(user + 1) * f.dim],
        &f.items[item * f.dim..(item + 1) * f.dim],
    );
    u.iter().zip(v).map(|(a, b)| a * b).sum()
}

/// Users like the items of their own parity, and the one held out is of that parity: what is right is known.
pub(crate) fn checkerboard(size: usize) -> Ones {
    let own = move |u: usize| (0..size).filter(move |i| i % 2 == u % 2 && (u + 4) % size != *i);
    Ones::from_pairs(
        size,
        size,
        (0..size).flat_map(|u| own(u).map(move |i| (u as u32, i as u32))),
    )
}

#[test]
fn on_a_checkerboard_the_held_out_item_comes_before_all_items_of_the_other_colour() {
    let f = factorise(&checkerboard(50), &config(6), |_, _| {}).unwrap();
    for user in 0..50 {
        let held_out = score(&f, user, (user + 4) % 50);
        for other in (0..50).filter(|i| i % 2 != user % 2) {
            assert!(held_out > score(&f, user, other) + 0.3);
        }
    }
}

#[test]
fn the_loss_never_rises_and_is_the_sum_of_the_definition() {
    let (positives, config) = (checkerboard(30), config(5));
    let mut told = Vec::new();
    let f = factorise(&positives, &config, |sweep, loss| told.push((sweep, loss))).unwrap();
    assert!(f.loss.windows(2).all(|w| w[1] <= w[0] * (1.0 + 1e-6)), "{:?}", f.loss);
    assert_eq!(told.len(), config.sweeps);
    let mut naive = 0.0;
    for user in 0..30 {
        for item in 0..30 {
            let p = f64::from(score(&f, user, item));
            naive += match positives.row(user).contains(&(item as u32)) {
                true => 0.95 * (1.0 - p) * (1.0 - p),
                false => 0.05 * p * p,
            };
        }
    }
    naive += 0.05 * f.users.iter().chain(&f.items).map(|v| f64::from(v * v)).sum::<f64>();
    let whole = loss::loss(&positives, &positives.transposed(), &f.users, &f.items, &config);
    assert!((whole - naive).abs() < 1e-4 * naive);
}

/// Gauss-Jordan on the dense equations, one user at a time.
fn naive_user(positives: &Ones, f: &Factors, config: &FactorConfig, user: usize) -> Vec<f64> {
    let dim = f.dim;
    let mut m = vec![vec![0.0_f64; dim + 1]; dim];
    for (item, v) in f.items.chunks_exact(dim).enumerate() {
        let observed = positives.row(user).contains(&(item as u32));
        let weight = f64::from(if observed { 1.0 - config.lambda } else { config.lambda });
        for i in 0..dim {
            for j in 0..dim {
                m[i][j] += weight * f64::from(v[i]) * f64::from(v[j]);
            }
            m[i][dim] += if observed { weight * f64::from(v[i]) } else { 0.0 };
        }
    }
    (0..dim).for_each(|i| m[i][i] += f64::from(config.l2));
    for k in 0..dim {
        let pivot = m[k].clone();
        m[k].iter_mut().for_each(|v| *v /= pivot[k]);
        let pivot = m[k].clone();
        for (i, row) in m.iter_mut().enumerate().filter(|(i, _)| *i != k) {
            let _ = i;
            let factor = row[k];
            row.iter_mut().zip(&pivot).for_each(|(v, p)| *v -= factor * p);
        }
    }
    m.iter().map(|row| row[dim]).collect()
}

#[test]
fn user_factors_equal_a_naive_dense_solve() {
    let (positives, config) = (checkerboard(20), config(4));
    let f = factorise(&positives, &config, |_, _| {}).unwrap();
    for user in 0..20 {
        for (fast, naive) in f.users[user * 4..]
            .iter()
            .zip(naive_user(&positives, &f, &config, user))
        {
            assert!((f64::from(*fast) - naive).abs() < 1e-5);
        }
    }
}

#[test]
fn equal_seeds_give_equal_bits_and_somebody_without_events_is_zero() {
    let positives = Ones::from_pairs(4, 3, [(0, 0), (0, 1), (1, 1), (2, 2)]);
    let a = factorise(&positives, &config(3), |_, _| {}).unwrap();
    assert_eq!(a, factorise(&positives, &config(3), |_, _| {}).unwrap());
    assert_eq!(a.users[9..], [0.0; 3]);
}

#[test]
fn what_cannot_be_factorised_is_said_by_code() {
    use upnext_core::Code;
    let wrong = FactorConfig {
        lambda: 1.0,
        ..config(2)
    };
    assert_eq!(
        factorise(&checkerboard(4), &wrong, |_, _| {}).unwrap_err().code(),
        Code::ConfigInvalid
    );
}

/// Users and items of a planted world of rank `rank`, some pairs with another confidence.
fn planted(users: usize, items: usize, rank: usize, weighted: bool) -> Ones {
    use rand::RngExt;
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut side = |count: usize| -> Vec<f32> { (0..count * rank).map(|_| rng.random::<f32>() - 0.5).collect() };
    let (u, v) = (side(users), side(items));
    let dot = |a: usize, b: usize| -> f32 { (0..rank).map(|k| u[a * rank + k] * v[b * rank + k]).sum() };
    let pairs = (0..users).flat_map(|a| (0..items).map(move |b| (a, b)));
    let observed = pairs.filter(|(a, b)| dot(*a, *b) > 0.12);
    let confidence = |a: usize, b: usize| {
        if weighted {
            0.02 + ((a * 7 + b * 3) % 5) as f32
        } else {
            1.0
        }
    };
    Ones::from_weighted(
        users,
        items,
        observed.map(|(a, b)| (a as u32, b as u32, confidence(a, b))),
    )
}

/// One row of a half-sweep by Gauss-Jordan on the dense equations, with everything in.
fn naive_row(ones: &Ones, fixed: &[f32], config: &FactorConfig, row: usize) -> Vec<f64> {
    let (dim, lambda) = (config.dim, f64::from(config.lambda));
    let mut weights = vec![(lambda, 0.0); ones.columns()];
    for (column, confidence) in ones.weighted(row) {
        let weight = f64::from(confidence) * (1.0 - lambda);
        weights[column as usize] = (weight, weight);
    }
    let total: f64 = weights.iter().map(|(w, _)| w).sum();
    let frequency = match config.frequency {
        Frequency::Weight => total,
        Frequency::Ones => ones.row(row).len() as f64,
    };
    let l2 = f64::from(config.l2) * frequency.powf(f64::from(config.nu));
    let mut m = vec![vec![0.0_f64; dim + 1]; dim];
    for (v, (weight, target)) in fixed.chunks_exact(dim).zip(weights) {
        for i in 0..dim {
            (0..dim).for_each(|j| m[i][j] += weight * f64::from(v[i]) * f64::from(v[j]));
            m[i][dim] += target * f64::from(v[i]);
        }
    }
    (0..dim).for_each(|i| m[i][i] += l2);
    for k in 0..dim {
        let pivot = m[k][k];
        m[k].iter_mut().for_each(|v| *v /= pivot);
        let row = m[k].clone();
        for target in m.iter_mut().enumerate().filter(|(i, _)| *i != k).map(|(_, t)| t) {
            let factor = target[k];
            target.iter_mut().zip(&row).for_each(|(t, r)| *t -= factor * r);
        }
    }
    m.iter().map(|row| row[dim]).collect()
}

#[test]
fn a_half_sweep_of_every_exact_solver_equals_a_naive_dense_solve() {
    // Rows of 6 to 60 observed: on both sides of every width.
    let by = [Frequency::Weight, Frequency::Ones];
    for (dim, weighted, nu, frequency) in [
        (5, false, 0.0, by[0]),
        (40, true, 1.0, by[0]),
        (70, true, 0.5, by[0]),
        (33, false, 1.0, by[0]),
        (33, false, 1.0, by[1]),
    ] {
        let ones = planted(25, 90, 3, weighted);
        let fixed: Vec<f32> = (0..90 * dim)
            .map(|i| ((i * 37 % 101) as f32 / 101.0 - 0.5) * 0.8)
            .collect();
        let start = vec![0.0; 25 * dim];
        for (solver, steps, block) in [
            (Solver::Cholesky, 1, 1),
            (Solver::Cg, 200, 1),
            (Solver::Subspace, 1, dim),
        ] {
            let config = FactorConfig {
                solver,
                steps,
                block,
                nu,
                frequency,
                l2: 0.2,
                ..config(dim)
            };
            let mut found = half::half(&ones, &fixed, &start, &config).unwrap();
            for _ in 0..if solver == Solver::Subspace { 60 } else { 0 } {
                found = half::half(&ones, &fixed, &found, &config).unwrap();
            }
            for row in 0..25 {
                if ones.row(row).is_empty() {
                    assert!(found[row * dim..(row + 1) * dim].iter().all(|v| *v == 0.0));
                    continue;
                }
                for (fast, naive) in found[row * dim..].iter().zip(naive_row(&ones, &fixed, &config, row)) {
                    assert!(
                        (f64::from(*fast) - naive).abs() < 3e-3,
                        "{solver:?} {dim} {row}: {fast} {naive}"
                    );
                }
            }
        }
    }
}

#[test]
fn all_solvers_reach_the_same_loss_on_the_same_data() {
    let ones = planted(60, 50, 3, true);
    let reach = |solver, sweeps, rate| {
        let config = FactorConfig {
            solver,
            sweeps,
            rate,
            block: 3,
            nu: 0.5,
            l2: 0.1,
            ..config(8)
        };
        *factorise(&ones, &config, |_, _| {}).unwrap().loss.last().unwrap()
    };
    let exact = reach(Solver::Cholesky, 200, 1.0);
    for (solver, sweeps, rate, allowed) in [
        (Solver::Cg, 200, 1.0, 1e-3),
        (Solver::Subspace, 200, 1.0, 1e-3),
        (Solver::Sgd, 1500, 0.03, 0.01),
    ] {
        let loss = reach(solver, sweeps, rate);
        assert!(
            (loss / exact - 1.0).abs() < allowed,
            "{solver:?}: {loss} instead of {exact}"
        );
    }
}

#[test]
fn the_loss_of_rendle_and_others_is_a_multiple_of_this_one() {
    let ones = planted(12, 15, 2, false);
    let (alpha, reg, dim) = (0.3_f32, 0.02_f32, 4);
    for nu in [0.0, 0.5, 1.0] {
        let config = config(dim).with_rendle(alpha, reg, nu);
        let theirs = |scale: f32, salt: usize| {
            let make = |n: usize| {
                (0..n * dim)
                    .map(|i| scale * ((i * salt % 17) as f32 / 17.0 - 0.4))
                    .collect::<Vec<f32>>()
            };
            let (u, v) = (make(12), make(15));
            let norm = |row: &[f32]| row.iter().map(|x| f64::from(x * x)).sum::<f64>();
            let mut sum = 0.0;
            for a in 0..12 {
                for b in 0..15 {
                    let p: f64 = (0..dim).map(|k| f64::from(u[a * dim + k] * v[b * dim + k])).sum();
                    sum += f64::from(alpha) * p * p;
                    if ones.row(a).contains(&(b as u32)) {
                        sum += (1.0 - p) * (1.0 - p);
                    }
                }
            }
            for (rows, by, across) in [(&u, &ones, 15.0), (&v, &ones.transposed(), 12.0)] {
                for (r, row) in rows.chunks_exact(dim).enumerate() {
                    let weight = by.row(r).len() as f64 + f64::from(alpha) * across;
                    sum += f64::from(reg) * weight.powf(f64::from(nu)) * norm(row);
                }
            }
            // The same factors, scaled so that the aim is 1.
            let root = (1.0 + alpha).sqrt();
            let (u, v): (Vec<f32>, Vec<f32>) = (
                u.iter().map(|x| x * root).collect(),
                v.iter().map(|x| x * root).collect(),
            );
            (sum, loss::loss(&ones, &ones.transposed(), &u, &v, &config))
        };
        // Equal up to a factor and a constant: differences keep one ratio.
        let at: Vec<(f64, f64)> = [(1.0, 5), (0.3, 7), (1.7, 3)]
            .iter()
            .map(|(s, k)| theirs(*s, *k))
            .collect();
        let ratio = |i: usize, j: usize| (at[i].0 - at[j].0) / (at[i].1 - at[j].1);
        assert!((ratio(0, 1) / ratio(0, 2) - 1.0).abs() < 1e-3, "nu {nu}: {at:?}");
    }
}

/// What MLlib's ALS with `implicitPrefs` minimises, by its definition.
fn spark_loss(ones: &Ones, users: &[f32], items: &[f32], dim: usize, alpha: f64, reg_param: f64) -> f64 {
    let mut sum = 0.0;
    for (r, u) in users.chunks_exact(dim).enumerate() {
        for (c, v) in items.chunks_exact(dim).enumerate() {
            let p: f64 = u.iter().zip(v).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            let one = f64::from(u8::from(ones.row(r).contains(&(c as u32))));
            sum += (1.0 + alpha * one) * (one - p) * (one - p);
        }
    }
    for (rows, by) in [(users, ones), (items, &ones.transposed())] {
        for (r, row) in rows.chunks_exact(dim).enumerate() {
            let norm: f64 = row.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
            sum += reg_param * by.row(r).len() as f64 * norm;
        }
    }
    sum
}

#[test]
fn the_loss_of_spark_is_this_one_over_lambda() {
    let (ones, dim) = (planted(12, 15, 2, false), 4);
    for (alpha, reg_param) in [(8.0_f32, 0.5_f32), (0.0, 0.1), (40.0, 2.0)] {
        let config = config(dim).with_spark(alpha, reg_param);
        for salt in [3, 5, 7] {
            let make = |n: usize| {
                let values = (0..n * dim).map(|i| (i * salt % 17) as f32 / 17.0 - 0.4);
                values.collect::<Vec<f32>>()
            };
            let (users, items) = (make(12), make(15));
            let theirs = spark_loss(&ones, &users, &items, dim, f64::from(alpha), f64::from(reg_param));
            let ours = loss::loss(&ones, &ones.transposed(), &users, &items, &config) / f64::from(config.lambda);
            assert!(
                (ours / theirs - 1.0).abs() < 1e-4,
                "{alpha} {reg_param}: {ours} {theirs}"
            );
        }
    }
}

#[test]
fn gradient_descent_that_runs_away_is_said_by_code() {
    use upnext_core::Code;
    let wild = FactorConfig {
        solver: Solver::Sgd,
        rate: 50.0,
        sweeps: 40,
        ..config(4)
    };
    let error = factorise(&checkerboard(20), &wild, |_, _| {}).unwrap_err();
    assert_eq!(error.code(), Code::TrainingDiverged);
}
