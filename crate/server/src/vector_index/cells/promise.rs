//! How many of the best a cell that was not scanned may hold.
//!
//! The product of the query with a row is that with the cell's centre, and that with the row's difference from it. The
//! second is taken as normal, with mean 0 and a deviation of `√(s · qᵀΣq)`: `s` the mean square of the cell's
//! differences, `Σ` the covariance of all differences over their mean square. Real differences have fatter tails in some
//! cells and thinner ones in others; summed over hundreds of cells it comes out near enough to stop by (measured by
//! `npm run bench:ann`).

/// Deviations above the centre's product at which cells are compared: about where the best rows of a table lie.
const REACH: f32 = 2.5;

/// What a cell promises a query.
#[derive(Debug, Clone, Copy)]
pub struct Promise {
    /// The cell.
    pub cell: u32,
    /// Its number of rows.
    pub rows: f32,
    /// The query's product with its centre.
    pub base: f32,
    /// Deviation of the query's product with its rows.
    pub deviation: f32,
}

impl Promise {
    /// What cells are ordered by.
    pub fn key(&self) -> f32 {
        self.base + REACH * self.deviation
    }

    /// Rows that are expected to score more than `threshold`.
    fn above(&self, threshold: f32) -> f32 {
        let distance = threshold - self.base;
        if distance <= 0.0 || self.deviation <= 0.0 {
            return if distance <= 0.0 { self.rows } else { 0.0 };
        }
        self.rows * upper_tail(distance / self.deviation)
    }
}

/// Rows of these cells that are expected to score more than `threshold`; counting ends beyond `most`.
pub fn expected(promises: &[Promise], threshold: f32, most: f32) -> f32 {
    let mut sum = 0.0;
    for promise in promises {
        sum += promise.above(threshold);
        if sum > most {
            break;
        }
    }
    sum
}

/// The chance that a standard normal variable is above `z ≥ 0`, to 1.5e-4 (Bowling et al., *A logistic approximation to
/// the cumulative normal distribution*, 2009).
fn upper_tail(z: f32) -> f32 {
    // Beyond this it is below 1e-9, and cubes would only overflow.
    if z > 6.0 {
        return 0.0;
    }
    1.0 / (1.0 + (0.070_56 * z * z * z + 1.5976 * z).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_that_of_the_normal_distribution() {
        for (z, chance) in [
            (0.0, 0.5),
            (0.5, 0.308_54),
            (1.0, 0.158_66),
            (2.0, 0.022_75),
            (3.0, 0.001_35),
        ] {
            assert!((upper_tail(z) - chance).abs() < 2e-4, "{z}: {}", upper_tail(z));
        }
        assert_eq!(upper_tail(7.0), 0.0);
    }

    #[test]
    fn counting_ends_when_there_is_enough() {
        let cell = |base| Promise {
            cell: 0,
            rows: 100.0,
            base,
            deviation: 1.0,
        };
        assert_eq!(expected(&[cell(1.0), cell(1.0)], 0.0, 10.0), 100.0);
        assert_eq!(expected(&[cell(-9.0), cell(-9.0)], 0.0, 10.0), 0.0);
        let flat = Promise {
            deviation: 0.0,
            ..cell(0.0)
        };
        assert_eq!(
            (expected(&[flat], 1.0, 10.0), expected(&[flat], 0.0, 10.0)),
            (0.0, 100.0)
        );
    }
}
