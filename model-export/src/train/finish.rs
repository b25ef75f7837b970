//! The last step: a trained model becomes a bundle.

use std::path::Path;

use upnext_core::bundle::Window;

use super::Model;
use crate::Error;
use crate::bundle::{Accounts, Bundle, Header, ItemFigures, Items, Trained};
use crate::compile::Precision;
use crate::table::Dataset;
use crate::towers::Objective;

impl Model {
    /// Writes the bundle of this model below `root`, with programs whose weights are stored so, and makes it current;
    /// returns its id. With the bundle `previous`, histories of it are carried over.
    ///
    /// # Errors
    /// Those of [`Trained::write`].
    pub fn write(
        &self,
        data: &Dataset,
        objective: Objective,
        weights: Precision,
        previous: Option<&Bundle>,
        root: &Path,
    ) -> Result<String, Error> {
        let first = data.interactions.at_ms.first().copied().unwrap_or(0);
        let header = Header {
            dataset: data.meta.name.clone(),
            vector_dim: self.spec.vector_dim,
            factor_dim: self.spec.factor_dim,
            objective: objective.as_str().to_owned(),
            head_weights: self.head_weights,
            factor_window: Window {
                from_ms: first,
                until_ms: self.split.factors_until_ms,
            },
            train_window: Window {
                from_ms: self.split.factors_until_ms,
                until_ms: self.split.train_until_ms,
            },
            metrics: self.metrics.clone(),
        };
        Trained {
            spec: &self.spec.to_json()?,
            user_tower: &self.user,
            item_tower: &self.item,
            max_tags: self.spec.item.max_tags as usize,
            ranker: &self.ranker.weights,
            gram: self.gram.values(),
            items: Items {
                vectors: &self.vectors.values,
                vector_dim: self.spec.vector_dim as usize,
                factors: &self.factors.items,
                factor_dim: self.factors.dim,
            },
            figures: ItemFigures {
                prior: &self.figures.prior,
                effect: &self.figures.effect,
                trend: &self.figures.trend,
                relevant: &self.figures.relevant,
            },
            titles: self
                .titles
                .as_ref()
                .map(|(student, teacher)| (student, teacher.as_str())),
            videos: &data.videos,
            accounts: Accounts {
                ids: &data.users.ids,
                factors: &self.factors.users,
                factor_dim: self.factors.dim,
                history_len: &self.history_len,
            },
            weights,
            previous,
        }
        .write(header, root)
    }
}
