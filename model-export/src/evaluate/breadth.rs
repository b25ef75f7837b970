//! How much of the catalogue slates show, and how evenly.

use super::SLATE;
use super::catalogue::Catalogue;
use super::slates::Judged;

/// How often each video stands in a slate as a page shows it.
pub(super) fn exposures(judged: &[&Judged], model: usize, videos: usize) -> Vec<u32> {
    let mut shown = vec![0; videos];
    for row in judged.iter().flat_map(|j| j.slates[model].iter().take(SLATE)) {
        shown[*row as usize] += 1;
    }
    shown
}

/// Inequality of exposure over the catalogue: 0 where all videos are shown alike, near 1 where a few have it all.
pub(crate) fn gini(exposures: &[u32]) -> f64 {
    let mut sorted = exposures.to_vec();
    sorted.sort_unstable();
    let total: f64 = sorted.iter().map(|n| f64::from(*n)).sum();
    let n = sorted.len() as f64;
    if total == 0.0 {
        return 0.0;
    }
    let ranked: f64 = sorted
        .iter()
        .enumerate()
        .map(|(i, x)| (i as f64 + 1.0) * f64::from(*x))
        .sum();
    (2.0 * ranked / (n * total) - (n + 1.0) / n).max(0.0)
}

/// Share of all exposure that the least shown 0, 1/`parts`, … of the videos have.
pub(super) fn lorenz(exposures: &[u32], parts: usize) -> Vec<f64> {
    let mut sorted = exposures.to_vec();
    sorted.sort_unstable();
    let total: f64 = sorted.iter().map(|n| f64::from(*n)).sum();
    let until = |part: usize| {
        sorted[..sorted.len() * part / parts]
            .iter()
            .map(|n| f64::from(*n))
            .sum::<f64>()
    };
    (0..=parts).map(|part| until(part) / total.max(1.0)).collect()
}

/// Mean surprise of the shown: minus the binary logarithm of a video's share of all relevant events, one added to each.
pub(super) fn novelty(judged: &[&Judged], model: usize, relevant: &[u32]) -> Option<f64> {
    let total: f64 = relevant.iter().map(|n| f64::from(*n) + 1.0).sum();
    let shown = judged.iter().flat_map(|j| j.slates[model].iter().take(SLATE));
    let bits = shown.map(|row| -((f64::from(relevant[*row as usize]) + 1.0) / total).log2());
    let (sum, count) = bits.fold((0.0, 0_u64), |(s, n), b| (s + b, n + 1));
    (count > 0).then(|| sum / count as f64)
}

/// Mean over pairs of a slate of one minus the Jaccard index of their tags; pairs without any tag are left out.
pub(super) fn tag_distance(catalogue: &Catalogue<'_>, slate: &[u32]) -> Option<f64> {
    let tags: Vec<Vec<u32>> = slate
        .iter()
        .take(SLATE)
        .map(|row| {
            let mut codes = catalogue.data.videos.tags.codes(*row as usize).to_vec();
            codes.sort_unstable();
            codes.dedup();
            codes
        })
        .collect();
    let (mut sum, mut pairs) = (0.0, 0_u32);
    for (i, a) in tags.iter().enumerate() {
        for b in &tags[i + 1..] {
            let both = a.iter().filter(|tag| b.binary_search(tag).is_ok()).count();
            let either = a.len() + b.len() - both;
            if either > 0 {
                sum += 1.0 - both as f64 / either as f64;
                pairs += 1;
            }
        }
    }
    (pairs > 0).then(|| sum / f64::from(pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_exposure_has_no_inequality_and_one_winner_has_nearly_all() {
        assert!(gini(&[3; 50]) < 1e-12);
        assert!((gini(&[[0; 49].as_slice(), &[7]].concat()) - 0.98).abs() < 1e-12);
        assert_eq!(gini(&[0; 4]), 0.0);
        assert_eq!(lorenz(&[1, 1, 1, 1], 2), [0.0, 0.5, 1.0]);
        assert_eq!(lorenz(&[0, 0, 0, 8], 4), [0.0, 0.0, 0.0, 0.0, 1.0]);
    }
}
