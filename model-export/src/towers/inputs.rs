//! Encoded rows of many videos or viewers, side by side in flat columns.

use upnext_core::feature::{EncodedItem, EncodedUser};

/// Videos as the item tower's inputs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ItemInputs {
    /// Videos.
    pub count: usize,
    /// Width of the category input.
    pub columns: usize,
    /// Width of the tag input.
    pub max_tags: usize,
    /// Width of the dense input.
    pub dense_dim: usize,
    /// `count × columns`.
    pub categorical: Vec<u32>,
    /// `count × max_tags`.
    pub tags: Vec<u32>,
    /// `count × dense_dim`.
    pub dense: Vec<f32>,
}

impl ItemInputs {
    /// Puts encoded videos side by side; all come from one spec.
    #[must_use]
    pub fn new(rows: &[EncodedItem]) -> ItemInputs {
        let mut inputs = ItemInputs::default();
        for row in rows {
            inputs.count += 1;
            inputs.columns = row.categorical.len();
            inputs.max_tags = row.tags.len();
            inputs.dense_dim = row.dense.len();
            inputs.categorical.extend_from_slice(&row.categorical);
            inputs.tags.extend_from_slice(&row.tags);
            inputs.dense.extend_from_slice(&row.dense);
        }
        inputs
    }

    /// Category rows of a video.
    #[must_use]
    pub fn categorical(&self, row: usize) -> &[u32] {
        &self.categorical[row * self.columns..(row + 1) * self.columns]
    }

    /// Tag rows of a video, padding included.
    #[must_use]
    pub fn tags(&self, row: usize) -> &[u32] {
        &self.tags[row * self.max_tags..(row + 1) * self.max_tags]
    }

    /// Dense input of a video.
    #[must_use]
    pub fn dense(&self, row: usize) -> &[f32] {
        &self.dense[row * self.dense_dim..(row + 1) * self.dense_dim]
    }
}

/// Viewers at moments as the user tower's inputs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UserInputs {
    /// Moments.
    pub count: usize,
    /// Width of the category input.
    pub columns: usize,
    /// Width of the dense input.
    pub dense_dim: usize,
    /// `count × columns`.
    pub categorical: Vec<u32>,
    /// `count × dense_dim`.
    pub dense: Vec<f32>,
}

impl UserInputs {
    /// Adds one encoded moment; all come from one spec.
    pub fn push(&mut self, row: &EncodedUser) {
        self.count += 1;
        self.columns = row.categorical.len();
        self.dense_dim = row.dense.len();
        self.categorical.extend_from_slice(&row.categorical);
        self.dense.extend_from_slice(&row.dense);
    }

    /// Adds all moments of another stretch.
    pub fn append(&mut self, mut other: UserInputs) {
        if other.count == 0 {
            return;
        }
        self.count += other.count;
        self.columns = other.columns;
        self.dense_dim = other.dense_dim;
        self.categorical.append(&mut other.categorical);
        self.dense.append(&mut other.dense);
    }

    /// Category rows of a moment.
    #[must_use]
    pub fn categorical(&self, row: usize) -> &[u32] {
        &self.categorical[row * self.columns..(row + 1) * self.columns]
    }

    /// Dense input of a moment.
    #[must_use]
    pub fn dense(&self, row: usize) -> &[f32] {
        &self.dense[row * self.dense_dim..(row + 1) * self.dense_dim]
    }
}
