//! Carrying a history over from the bundle before.

use super::{History, StoredModel, StoredRow};
use crate::QuantRow;
use crate::bundle::ClientModel;

impl History {
    /// Turns the rows that the bundle before `model` made into rows of `model`, where that brings an
    /// [`Alignment`](crate::bundle::Alignment); gives the number of events whose rows were turned. What the ranker of then
    /// expected stays: it is what the viewer was shown the video for.
    ///
    /// Rows of other bundles stay as they are and are not read. A row is rounded to int8 anew: see the tolerance in the
    /// tests.
    pub fn align(&mut self, model: &ClientModel) -> usize {
        let Some(alignment) = &model.alignment else { return 0 };
        let mut turned = 0;
        for kept in &mut self.events {
            let stored = kept.event.model.as_mut();
            let Some(stored) = stored.filter(|stored| stored.bundle_id == alignment.previous()) else {
                continue;
            };
            let Some(vector) = alignment.vector(stored.vector.as_row()).map(StoredRow::from) else {
                continue;
            };
            let factor = stored.factor.as_ref().and_then(|row| alignment.factor(row.as_row()));
            *stored = StoredModel {
                bundle_id: model.bundle_id.clone(),
                vector,
                factor: factor.map(StoredRow::from),
            };
            kept.settle();
            turned += 1;
        }
        turned
    }
}

impl StoredRow {
    fn as_row(&self) -> QuantRow<'_> {
        QuantRow {
            scale: self.scale,
            values: &self.levels,
        }
    }
}

impl From<(f32, Vec<i8>)> for StoredRow {
    fn from((scale, levels): (f32, Vec<i8>)) -> StoredRow {
        StoredRow { scale, levels }
    }
}
