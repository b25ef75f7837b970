//! What goes into a batch: columns, corrections, pairs.

use std::collections::HashMap;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::model::Seen;

/// Added to the logit of a column that is another positive of the row: it is no negative.
const HIDDEN: f32 = -1e4;

/// What the towers learn from: moments, and who met which video there.
#[derive(Debug, Clone, Default)]
pub struct Examples {
    /// User of each example.
    pub user: Vec<u32>,
    /// Video of each example.
    pub video: Vec<u32>,
    /// Whether it was relevant.
    pub relevant: Vec<bool>,
}

impl Examples {
    /// Number of examples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.video.len()
    }

    /// True where there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.video.is_empty()
    }

    /// Sorted `(user, video)` of the examples that `keep` wants.
    #[must_use]
    pub fn pairs(&self, keep: impl Fn(usize) -> bool) -> Vec<(u32, u32)> {
        let mut pairs: Vec<_> = (0..self.len())
            .filter(|i| keep(*i))
            .map(|i| (self.user[i], self.video[i]))
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}

/// How often each video is a positive, as a share: the chance that one draw of a batch has it.
#[must_use]
pub fn shares(videos: usize, positives: impl Iterator<Item = u32>) -> Vec<f64> {
    let mut shares = vec![0.0; videos];
    let mut total = 0.0;
    for video in positives {
        shares[video as usize] += 1.0;
        total += 1.0;
    }
    shares.iter_mut().for_each(|s| *s /= f64::max(total, 1.0));
    shares
}

/// Log of the chance that a video is a column of a batch: drawn at least once among `batch`
/// positives with its share, or among `random` uniform draws.
#[must_use]
pub fn log_inclusion(share: f64, batch: usize, random: usize, videos: usize) -> f32 {
    let missed = batch as f64 * (-share).ln_1p() + random as f64 * (-1.0 / videos.max(2) as f64).ln_1p();
    (-missed.exp_m1()).max(1e-12).ln() as f32
}

/// The columns of a softmax batch: distinct videos, and for each example which one is its own.
#[derive(Debug, Clone)]
pub struct Columns {
    /// The videos.
    pub videos: Vec<Seen>,
    /// Column of each example's video.
    pub target: Vec<usize>,
}

impl Columns {
    /// Videos of the batch in order of first appearance, then `random` more of the catalogue.
    #[must_use]
    pub fn draw(batch: &[u32], random: usize, videos: usize, id_dropout: f32, rng: &mut ChaCha8Rng) -> Columns {
        let mut at: HashMap<u32, usize> = HashMap::with_capacity(batch.len() + random);
        let mut columns = Columns {
            videos: Vec::new(),
            target: Vec::with_capacity(batch.len()),
        };
        let mut place = |video: u32, rng: &mut ChaCha8Rng| {
            *at.entry(video).or_insert_with(|| {
                columns.videos.push(Seen {
                    video: video as usize,
                    anonymous: rng.random::<f32>() < id_dropout,
                });
                columns.videos.len() - 1
            })
        };
        for video in batch {
            let column = place(*video, rng);
            columns.target.push(column);
        }
        for _ in 0..if videos > 0 { random } else { 0 } {
            let video = rng.random_range(0..videos as u32);
            place(video, rng);
        }
        columns
    }

    /// `[rows, columns]`: −`log_q` of the column's video, and [`HIDDEN`] where it is another
    /// positive of the row's user. `positives` is sorted.
    #[must_use]
    pub fn correction(&self, users: &[u32], log_q: &[f32], positives: &[(u32, u32)]) -> Vec<f32> {
        let width = self.videos.len();
        let base: Vec<f32> = self.videos.iter().map(|seen| -log_q[seen.video]).collect();
        let mut column_of: Vec<(u32, usize)> = self
            .videos
            .iter()
            .enumerate()
            .map(|(c, s)| (s.video as u32, c))
            .collect();
        column_of.sort_unstable();
        let mut correction = Vec::with_capacity(users.len() * width);
        for (user, target) in users.iter().zip(&self.target) {
            let start = correction.len();
            correction.extend_from_slice(&base);
            let from = positives.partition_point(|pair| pair.0 < *user);
            for (_, video) in positives[from..].iter().take_while(|pair| pair.0 == *user) {
                if let Ok(found) = column_of.binary_search_by_key(video, |pair| pair.0) {
                    let column = column_of[found].1;
                    if column != *target {
                        correction[start + column] = HIDDEN;
                    }
                }
            }
        }
        correction
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn the_chance_of_inclusion_is_the_share_of_batches_that_have_the_video() {
        let (mut rng, videos, batch, random) = (ChaCha8Rng::seed_from_u64(5), 10_u32, 4, 2);
        let (draws, mut hits) = (40_000, [0_u32; 10]);
        for _ in 0..draws {
            // Video 0 has half of all positives, the others share the rest.
            let rows: Vec<u32> = (0..batch)
                .map(|_| {
                    if rng.random::<f32>() < 0.5 {
                        0
                    } else {
                        rng.random_range(1..videos)
                    }
                })
                .collect();
            let columns = Columns::draw(&rows, random, videos as usize, 0.0, &mut rng);
            columns.videos.iter().for_each(|seen| hits[seen.video] += 1);
        }
        for (share, hits) in [(0.5, hits[0]), (0.5 / 9.0, hits[4])] {
            let expected = log_inclusion(share, batch, random, videos as usize).exp();
            assert!((hits as f32 / draws as f32 - expected).abs() < 0.01);
        }
    }

    #[test]
    fn columns_are_distinct_and_every_example_finds_its_own() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let columns = Columns::draw(&[7, 3, 7, 9], 50, 20, 0.5, &mut rng);
        let mut videos: Vec<usize> = columns.videos.iter().map(|seen| seen.video).collect();
        assert_eq!(
            columns.target.iter().map(|c| videos[*c]).collect::<Vec<_>>(),
            [7, 3, 7, 9]
        );
        let count = videos.len();
        videos.sort_unstable();
        videos.dedup();
        assert_eq!(videos.len(), count);
    }

    #[test]
    fn other_positives_of_a_user_are_no_negatives_of_theirs() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let columns = Columns::draw(&[0, 1], 0, 2, 0.0, &mut rng);
        let correction = columns.correction(&[5, 6], &[-1.0, -2.0], &[(5, 0), (5, 1), (6, 1)]);
        assert_eq!(correction, [1.0, HIDDEN, 1.0, 2.0]);
    }
}
