//! Figures of a slate: precision, recall, nDCG, average precision at k; ROC AUC; diversity.
//!
//! A ranking is given as its relevance flags, best first. `relevant` is the number of relevant
//! videos there were to find, in the ranking or not; where it is 0 there is no figure.

use crate::program::kernel::dot;

/// Share of the first `k` places that are relevant. Places that a short ranking leaves empty
/// count as not relevant. `None` for `k` = 0.
#[must_use]
pub fn precision_at(ranking: &[bool], k: usize) -> Option<f64> {
    (k > 0).then(|| hits(ranking, k) as f64 / k as f64)
}

/// Share of the relevant videos that stand in the first `k` places.
#[must_use]
pub fn recall_at(ranking: &[bool], relevant: usize, k: usize) -> Option<f64> {
    (k > 0 && relevant > 0).then(|| hits(ranking, k) as f64 / relevant as f64)
}

/// 1 where one of the first `k` places is relevant, else 0: its mean over viewers is the hit rate.
#[must_use]
pub fn hit_at(ranking: &[bool], k: usize) -> Option<f64> {
    (k > 0).then(|| f64::from(u8::from(hits(ranking, k) > 0)))
}

/// One over the place, from 1, of the first relevant video; 0 where none stands in the first `k` places.
#[must_use]
pub fn reciprocal_rank_at(ranking: &[bool], k: usize) -> Option<f64> {
    let first = ranking.iter().take(k).position(|relevant| *relevant);
    (k > 0).then(|| first.map_or(0.0, |place| 1.0 / (place + 1) as f64))
}

/// Normalised discounted cumulative gain: place `i` (from 0) counts `1 / log2(i + 2)`, over the
/// best that `relevant` videos could reach in `k` places.
#[must_use]
pub fn ndcg_at(ranking: &[bool], relevant: usize, k: usize) -> Option<f64> {
    if k == 0 || relevant == 0 {
        return None;
    }
    let gain = |place: usize| 1.0 / libm::log2(place as f64 + 2.0);
    let found: f64 = ranking
        .iter()
        .take(k)
        .enumerate()
        .filter(|(_, r)| **r)
        .map(|(i, _)| gain(i))
        .sum();
    let best: f64 = (0..relevant.min(k)).map(gain).sum();
    Some(found / best)
}

/// Average precision: the mean of the precision at each relevant place up to `k`, over
/// `min(relevant, k)`. Its mean over viewers is mAP.
#[must_use]
pub fn average_precision_at(ranking: &[bool], relevant: usize, k: usize) -> Option<f64> {
    if k == 0 || relevant == 0 {
        return None;
    }
    let mut hits = 0_usize;
    let mut sum = 0.0;
    for (place, relevant) in ranking.iter().take(k).enumerate() {
        if *relevant {
            hits += 1;
            sum += hits as f64 / (place + 1) as f64;
        }
    }
    Some(sum / relevant.min(k) as f64)
}

/// Area under the ROC curve: the chance that a relevant one scores above another, ties half.
/// `None` where one side is empty, lengths differ, or a score is NaN.
#[must_use]
pub fn roc_auc(scores: &[f32], relevant: &[bool]) -> Option<f64> {
    if scores.len() != relevant.len() || scores.iter().any(|s| s.is_nan()) {
        return None;
    }
    let mut order: Vec<(f32, bool)> = scores.iter().copied().zip(relevant.iter().copied()).collect();
    // −0 and 0 are one score, as they compare equal below.
    order.sort_unstable_by(|a, b| (a.0 + 0.0).total_cmp(&(b.0 + 0.0)));
    let (mut below, mut wins, mut positives) = (0_u64, 0.0_f64, 0_u64);
    for tied in order.chunk_by(|a, b| a.0 == b.0) {
        let up = tied.iter().filter(|(_, relevant)| *relevant).count() as u64;
        let down = tied.len() as u64 - up;
        wins += up as f64 * (below as f64 + down as f64 / 2.0);
        below += down;
        positives += up;
    }
    (below > 0 && positives > 0).then(|| wins / (below as f64 * positives as f64))
}

/// Mean cosine over all pairs of `vectors`; a zero vector's cosine to anything is 0.
/// `None` for fewer than two. Diversity is one minus it.
#[must_use]
pub fn mean_pairwise_cosine(vectors: &[&[f32]]) -> Option<f64> {
    let norms: Vec<f32> = vectors.iter().map(|v| dot(v, v).sqrt()).collect();
    let mut sum = 0.0_f64;
    let mut pairs = 0_u64;
    for (i, a) in vectors.iter().enumerate() {
        for (j, b) in vectors.iter().enumerate().skip(i + 1) {
            let scale = norms[i] * norms[j];
            sum += if scale > 0.0 { f64::from(dot(a, b) / scale) } else { 0.0 };
            pairs += 1;
        }
    }
    (pairs > 0).then(|| sum / pairs as f64)
}

fn hits(ranking: &[bool], k: usize) -> usize {
    ranking.iter().take(k).filter(|relevant| **relevant).count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// By the definition: all pairs.
    fn auc_oracle(scores: &[f32], relevant: &[bool]) -> Option<f64> {
        let (mut sum, mut pairs) = (0.0, 0);
        for (s, _) in scores.iter().zip(relevant).filter(|(_, r)| **r) {
            for (t, _) in scores.iter().zip(relevant).filter(|(_, r)| !**r) {
                sum += if s > t {
                    1.0
                } else if s == t {
                    0.5
                } else {
                    0.0
                };
                pairs += 1;
            }
        }
        (pairs > 0).then(|| sum / f64::from(pairs))
    }

    fn ap_oracle(ranking: &[bool], relevant: usize, k: usize) -> f64 {
        let places = (0..ranking.len().min(k)).filter(|i| ranking[*i]);
        let sum: f64 = places.map(|i| precision_at(ranking, i + 1).unwrap()).sum();
        sum / relevant.min(k) as f64
    }

    fn ndcg_oracle(ranking: &[bool], relevant: usize, k: usize) -> f64 {
        let dcg = |flags: &[bool]| -> f64 {
            (0..flags.len().min(k))
                .map(|i| f64::from(u8::from(flags[i])) / (i as f64 + 2.0).log2())
                .sum()
        };
        dcg(ranking) / dcg(&vec![true; relevant])
    }

    #[test]
    fn known_values() {
        let ranking = [true, false, true, false];
        assert_eq!(precision_at(&ranking, 10), Some(0.2));
        assert_eq!(recall_at(&ranking, 4, 10), Some(0.5));
        assert_eq!(average_precision_at(&ranking, 2, 4), Some((1.0 + 2.0 / 3.0) / 2.0));
        assert_eq!(ndcg_at(&[true, true, false], 2, 3), Some(1.0));
        assert_eq!(
            (hit_at(&[false, true], 1), hit_at(&[false, true], 2)),
            (Some(0.0), Some(1.0))
        );
        assert_eq!(reciprocal_rank_at(&[false, false, true, true], 4), Some(1.0 / 3.0));
        assert_eq!(reciprocal_rank_at(&[false, false, true], 2), Some(0.0));
        assert_eq!(roc_auc(&[0.9, 0.1, 0.5, 0.5], &[true, false, true, false]), Some(0.875));
        assert_eq!(
            mean_pairwise_cosine(&[&[1.0, 0.0], &[0.0, 2.0], &[3.0, 0.0]]),
            Some(1.0 / 3.0)
        );
    }

    #[test]
    fn nothing_to_find_is_no_figure() {
        assert_eq!(recall_at(&[true], 0, 1), None);
        assert_eq!(ndcg_at(&[], 0, 1), None);
        assert_eq!(average_precision_at(&[], 1, 0), None);
        assert_eq!(precision_at(&[], 0), None);
        assert_eq!((hit_at(&[true], 0), reciprocal_rank_at(&[true], 0)), (None, None));
        assert_eq!(roc_auc(&[1.0], &[true]), None);
        assert_eq!(roc_auc(&[f32::NAN, 1.0], &[true, false]), None);
        assert_eq!(mean_pairwise_cosine(&[&[1.0]]), None);
    }

    proptest! {
        #[test]
        fn auc_is_the_share_of_ordered_pairs(rows in prop::collection::vec((-3_i8..3, any::<bool>()), 0..60)) {
            let scores: Vec<f32> = rows.iter().map(|r| f32::from(r.0) * 0.5).collect();
            let relevant: Vec<bool> = rows.iter().map(|r| r.1).collect();
            match (roc_auc(&scores, &relevant), auc_oracle(&scores, &relevant)) {
                (Some(a), Some(b)) => prop_assert!((a - b).abs() < 1e-12),
                (a, b) => prop_assert_eq!(a, b),
            }
        }

        #[test]
        fn figures_at_k_meet_their_definitions(
            ranking in prop::collection::vec(any::<bool>(), 0..40), more in 0_usize..5, k in 1_usize..60,
        ) {
            let relevant = ranking.iter().filter(|r| **r).count() + more;
            prop_assume!(relevant > 0);
            let close = |a: Option<f64>, b: f64| (a.unwrap() - b).abs() < 1e-12;
            prop_assert!(close(average_precision_at(&ranking, relevant, k), ap_oracle(&ranking, relevant, k)));
            prop_assert!(close(ndcg_at(&ranking, relevant, k), ndcg_oracle(&ranking, relevant, k)));
            for figure in [
                precision_at(&ranking, k), recall_at(&ranking, relevant, k),
                ndcg_at(&ranking, relevant, k), average_precision_at(&ranking, relevant, k),
            ] {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&figure.unwrap()));
            }
        }
    }
}
