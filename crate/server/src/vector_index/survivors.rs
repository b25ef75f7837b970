//! What a scan keeps: rows that may be among the best `k`, by bounds of their scores.

use super::Hit;

/// Rows between the one that is scored and the one that is expected.
const SOON: usize = 8;

/// A row that may still be among the best.
#[derive(Debug, Clone, Copy)]
pub struct Survivor {
    /// Row of the index.
    pub row: u32,
    /// Its score is this at least.
    pub lower: f32,
    /// Its score is this at most.
    pub upper: f32,
}

/// Rows that may be among the best `k`, and the score below which a row certainly is not.
#[derive(Debug)]
pub struct Survivors {
    k: usize,
    rows: Vec<Survivor>,
    /// Length at which to prune: amortises the selection over `k` pushes.
    prune_at: usize,
    threshold: f32,
}

impl Survivors {
    /// None yet.
    pub fn new(k: usize) -> Survivors {
        Survivors {
            k,
            rows: Vec::new(),
            prune_at: k.saturating_mul(2),
            threshold: f32::NEG_INFINITY,
        }
    }

    /// A row whose score is certainly below this is not among the best; −∞ until `k` rows were compared.
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// Whether there are `k` rows that may be the best.
    pub fn is_full(&self) -> bool {
        self.rows.len() >= self.k
    }

    /// Keeps a row.
    pub fn push(&mut self, survivor: Survivor) {
        self.rows.push(survivor);
        if self.rows.len() >= self.prune_at {
            self.prune();
            self.prune_at = self.rows.len() + self.k;
        }
    }

    /// Raises the threshold to the `k`-th best lower bound and drops what lies below it.
    pub fn prune(&mut self) {
        if self.rows.len() >= self.k && self.k > 0 {
            let (_, kth, _) = self
                .rows
                .select_nth_unstable_by(self.k - 1, |a, b| b.lower.total_cmp(&a.lower));
            self.threshold = self.threshold.max(kth.lower);
            let threshold = self.threshold;
            self.rows.retain(|s| s.upper >= threshold);
        }
    }

    /// The best `k` by their `score`, best first, ties by row. `expect` is told of a row some time before it is scored.
    pub fn rank(mut self, expect: impl Fn(u32), score: impl Fn(u32) -> f32) -> Vec<Hit> {
        self.prune();
        let mut hits: Vec<Falling> = Vec::with_capacity(self.rows.len());
        for (place, survivor) in self.rows.iter().enumerate() {
            if let Some(later) = self.rows.get(place + SOON) {
                expect(later.row);
            }
            hits.push(Falling::new(score(survivor.row), survivor.row));
        }
        hits.sort_unstable();
        hits.truncate(self.k);
        hits.into_iter().map(Falling::hit).collect()
    }
}

/// A score and a row as one number, for a sort without branches: rising numbers are falling scores, ties rising rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Falling(u64);

impl Falling {
    /// In the order of [`f32::total_cmp`].
    pub fn new(score: f32, row: u32) -> Falling {
        let rising = turned(score.to_bits().cast_signed()).cast_unsigned() ^ (1 << 31);
        Falling(u64::from(!rising) << 32 | u64::from(row))
    }

    /// The row.
    pub fn row(self) -> u32 {
        self.0 as u32
    }

    /// Row and score.
    pub fn hit(self) -> Hit {
        let rising = !((self.0 >> 32) as u32) ^ (1 << 31);
        Hit {
            row: self.row(),
            score: f32::from_bits(turned(rising.cast_signed()).cast_unsigned()),
        }
    }
}

/// Bits of a number whose order as an integer is that of the number; twice is once.
fn turned(bits: i32) -> i32 {
    bits ^ ((bits >> 31).cast_unsigned() >> 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_rise_as_scores_fall(a: f32, b: f32, rows: (u32, u32)) {
            let order = b.total_cmp(&a).then(rows.0.cmp(&rows.1));
            let (x, y) = (Falling::new(a, rows.0), Falling::new(b, rows.1));
            prop_assert_eq!(x.cmp(&y), order);
            prop_assert_eq!(x.hit().row, rows.0);
            prop_assert_eq!(x.hit().score.to_bits(), a.to_bits());
        }
    }
}
