//! Who found what relevant, as a sparse binary matrix.

/// Rows of ones at sorted, distinct columns (compressed sparse rows).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ones {
    columns: usize,
    starts: Vec<usize>,
    indices: Vec<u32>,
}

impl Ones {
    /// From `(row, column)` pairs in any order; repeats count once, pairs outside the shape are left out.
    #[must_use]
    pub fn from_pairs(rows: usize, columns: usize, pairs: impl IntoIterator<Item = (u32, u32)>) -> Ones {
        let mut pairs: Vec<(u32, u32)> = pairs
            .into_iter()
            .filter(|(r, c)| (*r as usize) < rows && (*c as usize) < columns)
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut starts = vec![0; rows + 1];
        for (row, _) in &pairs {
            starts[*row as usize + 1] += 1;
        }
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        Ones {
            columns,
            starts,
            indices: pairs.into_iter().map(|(_, column)| column).collect(),
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

    /// The same ones with rows and columns exchanged.
    #[must_use]
    pub fn transposed(&self) -> Ones {
        let pairs = (0..self.rows()).flat_map(|r| self.row(r).iter().map(move |c| (*c, r as u32)));
        Ones::from_pairs(self.columns, self.rows(), pairs)
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
    }
}
