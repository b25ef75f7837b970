//! Who found what relevant, as a sparse binary matrix.

/// Rows of ones at sorted, distinct columns (compressed sparse rows), each with the confidence that it is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Ones {
    columns: usize,
    starts: Vec<usize>,
    indices: Vec<u32>,
    /// One per index; empty where all are 1.
    confidence: Vec<f32>,
}

impl Ones {
    /// From `(row, column)` pairs in any order; repeats count once, pairs outside the shape are left out.
    #[must_use]
    pub fn from_pairs(rows: usize, columns: usize, pairs: impl IntoIterator<Item = (u32, u32)>) -> Ones {
        Ones::from_weighted(rows, columns, pairs.into_iter().map(|(r, c)| (r, c, 1.0)))
    }

    /// From `(row, column, confidence)` in any order; of repeats the greatest confidence counts, pairs outside the shape
    /// or without a positive, finite confidence are left out.
    #[must_use]
    pub fn from_weighted(rows: usize, columns: usize, pairs: impl IntoIterator<Item = (u32, u32, f32)>) -> Ones {
        let mut pairs: Vec<(u32, u32, f32)> = pairs
            .into_iter()
            .filter(|(r, c, w)| (*r as usize) < rows && (*c as usize) < columns && *w > 0.0 && w.is_finite())
            .collect();
        pairs.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(b.2.total_cmp(&a.2)));
        pairs.dedup_by_key(|(r, c, _)| (*r, *c));
        let mut starts = vec![0; rows + 1];
        for (row, ..) in &pairs {
            starts[*row as usize + 1] += 1;
        }
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        let plain = pairs.iter().all(|(.., confidence)| *confidence == 1.0);
        Ones {
            columns,
            starts,
            indices: pairs.iter().map(|(_, column, _)| *column).collect(),
            confidence: match plain {
                true => Vec::new(),
                false => pairs.iter().map(|(.., confidence)| *confidence).collect(),
            },
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of ones.
    #[must_use]
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// True where there is no one at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Columns of the ones in `row`, rising.
    #[must_use]
    pub fn row(&self, row: usize) -> &[u32] {
        &self.indices[self.starts[row]..self.starts[row + 1]]
    }

    /// Confidence of each one in `row`, in the order of [`Ones::row`]; empty where all are 1.
    #[must_use]
    pub fn confidence(&self, row: usize) -> &[f32] {
        match self.confidence.is_empty() {
            true => &[],
            false => &self.confidence[self.starts[row]..self.starts[row + 1]],
        }
    }

    /// Columns of `row` with their confidence.
    pub fn weighted(&self, row: usize) -> impl Iterator<Item = (u32, f32)> {
        let confidence = self.confidence(row).iter().copied().chain(std::iter::repeat(1.0));
        self.row(row).iter().copied().zip(confidence)
    }

    /// The same ones with rows and columns exchanged.
    #[must_use]
    pub fn transposed(&self) -> Ones {
        let mut starts = vec![0; self.columns + 1];
        for column in &self.indices {
            starts[*column as usize + 1] += 1;
        }
        for column in 0..self.columns {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let mut indices = vec![0; self.len()];
        let mut confidence = vec![0.0; self.confidence.len()];
        for row in 0..self.rows() {
            for (column, weight) in self.weighted(row) {
                let place = &mut next[column as usize];
                indices[*place] = row as u32;
                if let Some(target) = confidence.get_mut(*place) {
                    *target = weight;
                }
                *place += 1;
            }
        }
        Ones {
            columns: self.rows(),
            starts,
            indices,
            confidence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_sorted_and_count_once_and_the_transpose_of_the_transpose_is_the_same() {
        let p = Ones::from_pairs(3, 4, [(2, 3), (0, 1), (2, 0), (0, 1), (9, 0), (0, 9)]);
        assert_eq!((p.rows(), p.columns(), p.len()), (3, 4, 3));
        assert_eq!(p.row(0), [1]);
        assert!(p.row(1).is_empty());
        assert_eq!(p.row(2), [0, 3]);
        assert_eq!(p.transposed().row(3), [2]);
        assert_eq!(p.transposed().transposed(), p);
        assert!(p.confidence(2).is_empty());
    }

    #[test]
    fn confidence_goes_with_its_pair_and_the_greatest_of_repeats_counts() {
        let p = Ones::from_weighted(
            2,
            3,
            [
                (0, 2, 2.0),
                (0, 2, 3.0),
                (1, 0, 1.0),
                (0, 1, 0.5),
                (1, 1, f32::NAN),
                (1, 2, 0.0),
            ],
        );
        assert_eq!(p.weighted(0).collect::<Vec<_>>(), [(1, 0.5), (2, 3.0)]);
        assert_eq!(p.transposed().weighted(2).collect::<Vec<_>>(), [(0, 3.0)]);
        assert_eq!(p.transposed().transposed(), p);
    }
}
