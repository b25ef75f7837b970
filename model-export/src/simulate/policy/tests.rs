#![allow(clippy::unwrap_used)]

use rand::SeedableRng;

use super::*;
use crate::simulate::{Options, simulate};

const SMALL: Options = Options {
    users: 60,
    videos: 80,
    days: 28,
    seed: 4,
    drifting: 0.0,
};

#[test]
fn a_propensity_is_how_often_the_policy_picks_the_video() {
    let (_, world) = simulate(&SMALL).unwrap();
    let shelf = Shelf::new(&world.clips);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (at, policy) in [Policy::SERVER, Policy::TASTE, Policy::UNIFORM].into_iter().enumerate() {
        let choice = Choice {
            clips: &world.clips,
            person: &world.people[7 * at + 1],
            now_ms: crate::simulate::START_MS + (3 + 9 * at as i64) * DAY_MS,
            shown: &[3, 20, 41, 42][..at + 2],
        };
        let expected = shelf.propensities(&policy, &choice);
        assert!((expected.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{policy:?}");
        let one = |(video, p): (usize, &f64)| (shelf.propensity(&policy, &choice, video as u32) - p).abs() < 1e-12;
        assert!(expected.iter().enumerate().all(one));
        let mut picked = vec![0_u32; expected.len()];
        let tries = 40_000;
        let mut found = 0;
        for _ in 0..tries {
            if let Some(video) = shelf.pick(&policy, &choice, &mut rng) {
                picked[video as usize] += 1;
                found += 1;
            }
        }
        for (video, (p, n)) in expected.iter().zip(&picked).enumerate() {
            let deviation = (f64::from(found) * p * (1.0 - p)).sqrt();
            let far = (f64::from(*n) - f64::from(found) * p).abs();
            assert!(
                far <= 4.5 * deviation + 1e-9,
                "{policy:?}, video {video}: {n} of {found}, p {p}"
            );
        }
    }
}

#[test]
fn every_impression_and_nothing_else_has_a_chance() {
    let (data, _) = simulate(&SMALL).unwrap();
    let table = &data.interactions;
    for row in 0..table.len() {
        let shown = table.kind[row] == upnext_core::EventKind::Impression;
        assert_eq!(table.propensity[row].is_some(), shown);
        assert!(table.propensity[row].is_none_or(|p| p > 0.0 && p <= 1.0));
    }
}
