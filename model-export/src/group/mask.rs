//! A group of the towers in their inputs and in their weights.

use std::ops::Range;

use upnext_core::feature::spec::FeatureSpec;
use upnext_core::feature::{ItemLayout, UserLayout};

use super::Group;
use crate::towers::weights::{DenseWeights, EmbeddingWeights, ItemTowerWeights, UserTowerWeights};
use crate::towers::{ItemInputs, UserInputs};

/// Which inputs of the towers count as unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mask {
    /// Category columns of the item tower.
    item_columns: Vec<usize>,
    tags: bool,
    /// Dense inputs of the item tower.
    item_dense: Range<usize>,
    /// Category columns of the user tower.
    user_columns: Vec<usize>,
    /// Dense inputs of the user tower.
    user_dense: Range<usize>,
}

impl Mask {
    /// The mask of a group; of none, and of a group of the ranker, nothing is hidden.
    #[must_use]
    pub fn of(group: Option<Group>, spec: &FeatureSpec) -> Mask {
        let (user, item) = (UserLayout::new(spec), ItemLayout::new(spec));
        let text = spec.text.dim as usize;
        let users = |names: &[&str]| {
            let columns = user.categorical.iter().enumerate();
            columns
                .filter(|(_, c)| names.contains(&c.name))
                .map(|(i, _)| i)
                .collect()
        };
        let mut mask = Mask::default();
        match group {
            Some(Group::VideoId) => mask.item_columns = vec![0, 1],
            Some(Group::Title) => mask.item_dense = 0..text,
            Some(Group::Tags) => mask.tags = true,
            Some(Group::Comments) => mask.item_dense = text..2 * text,
            Some(Group::LengthAndCounts) => mask.item_dense = 2 * text..item.dense,
            Some(Group::Channel) => mask.item_columns = vec![2, 3, 4],
            Some(Group::Age) => mask.user_columns = users(&["age"]),
            Some(Group::People) => mask.user_columns = users(&["gender", "language", "time_zone"]),
            Some(Group::Location) => mask.user_columns = users(&["location"]),
            Some(Group::Time) => mask.user_columns = users(&["hour", "weekday"]),
            Some(Group::Device) => mask.user_columns = users(&["device", "surface"]),
            Some(Group::History) => mask.user_dense = 0..user.factor_at,
            Some(Group::Factor) => mask.user_dense = user.factor_at..user.cold_at + 1,
            _ => {}
        }
        mask
    }

    /// Hides the group of videos.
    pub fn hide_items(&self, inputs: &mut ItemInputs) {
        hide(&mut inputs.categorical, inputs.columns, &self.item_columns);
        if self.tags {
            inputs.tags.fill(0);
        }
        zero(&mut inputs.dense, inputs.dense_dim, &self.item_dense);
    }

    /// Hides the group of viewers.
    pub fn hide_users(&self, inputs: &mut UserInputs) {
        hide(&mut inputs.categorical, inputs.columns, &self.user_columns);
        zero(&mut inputs.dense, inputs.dense_dim, &self.user_dense);
    }

    /// Cuts the group out of an item tower that never saw it: whatever the inputs, it computes what it learnt.
    pub fn cut_item(&self, tower: &mut ItemTowerWeights) {
        if self.item_columns.contains(&0) {
            level(&mut tower.id_table);
        }
        for (column, table) in [
            (2, &mut tower.language),
            (3, &mut tower.rating),
            (4, &mut tower.channel),
        ] {
            if self.item_columns.contains(&column) {
                level(table);
            }
        }
        if self.tags {
            tower.tag_table.values.fill(0.0);
        }
        let tables = [
            &tower.id_table,
            &tower.tag_table,
            &tower.language,
            &tower.rating,
            &tower.channel,
        ];
        let before = tables.iter().map(|table| table.dim).sum();
        cut(tower.dense_layers.first_mut(), before, &self.item_dense);
    }

    /// Cuts the group out of a user tower that never saw it.
    pub fn cut_user(&self, tower: &mut UserTowerWeights) {
        for (_, table) in tower
            .embeddings
            .iter_mut()
            .enumerate()
            .filter(|(i, _)| self.user_columns.contains(i))
        {
            level(table);
        }
        let before = tower.embeddings.iter().map(|table| table.dim).sum();
        cut(tower.dense_layers.first_mut(), before, &self.user_dense);
    }
}

/// Makes columns unknown in every row.
fn hide(categorical: &mut [u32], width: usize, columns: &[usize]) {
    for row in categorical.chunks_exact_mut(width.max(1)) {
        for column in columns {
            if let Some(id) = row.get_mut(*column) {
                *id = 0;
            }
        }
    }
}

fn zero(dense: &mut [f32], width: usize, range: &Range<usize>) {
    for row in dense.chunks_exact_mut(width.max(1)) {
        if let Some(hidden) = row.get_mut(range.clone()) {
            hidden.fill(0.0);
        }
    }
}

/// Every row of a table as the row of the unknown.
fn level(table: &mut EmbeddingWeights) {
    let unknown = table.row(0).to_vec();
    table
        .values
        .chunks_exact_mut(table.dim.max(1))
        .for_each(|row| row.copy_from_slice(&unknown));
}

/// A layer that does not read these of its inputs, which come after `before` others.
fn cut(layer: Option<&mut DenseWeights>, before: usize, range: &Range<usize>) {
    let Some(layer) = layer else { return };
    let rows = (before + range.start) * layer.output..(before + range.end) * layer.output;
    if let Some(weights) = layer.weights.get_mut(rows) {
        weights.fill(0.0);
    }
}

#[cfg(test)]
mod tests;
