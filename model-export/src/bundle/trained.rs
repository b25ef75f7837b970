//! From trained numbers to a bundle: graphs, programs, tensors, tables, shelves.

use std::path::Path;

use upnext_core::bundle::{Role, write_f32};
use upnext_core::text::{FOLDING, Student};

use super::server_half::{Accounts, ItemFigures, Items, videos_to_parquet};
use super::{Bundle, Draft, Header, alignment, shelves};
use crate::compile::Precision;
use crate::table::Videos;
use crate::towers::weights::{ItemTowerWeights, RankerWeights, UserTowerWeights};
use crate::{Error, compile, onnx};

/// Everything that training made. Rows of every part are those of the data set.
#[derive(Debug, Clone, Copy)]
pub struct Trained<'a> {
    /// The feature spec's bytes.
    pub spec: &'a [u8],
    /// User tower.
    pub user_tower: &'a UserTowerWeights,
    /// Item tower.
    pub item_tower: &'a ItemTowerWeights,
    /// Width of the item tower's `tags`.
    pub max_tags: usize,
    /// Ranker.
    pub ranker: &'a RankerWeights,
    /// Gram matrix of the item factors, `[factor_dim, factor_dim]`.
    pub gram: &'a [f32],
    /// Item vectors and factors.
    pub items: Items<'a>,
    /// What was counted for each video.
    pub figures: ItemFigures<'a>,
    /// What encodes the titles of new videos, and the hash of its teacher; `None`: the built-in encoder.
    pub titles: Option<(&'a Student, &'a str)>,
    /// Videos table.
    pub videos: &'a Videos,
    /// Accounts.
    pub accounts: Accounts<'a>,
    /// How the weights of the programs are stored.
    pub weights: Precision,
    /// The bundle before, of which devices have histories: the new one says how its rows are turned.
    pub previous: Option<&'a Bundle>,
}

impl Trained<'_> {
    /// Writes the bundle below `root` and makes it current; returns its id.
    ///
    /// A graph that does not compile is no error here: the bundle then says that devices need
    /// `upnext/onnx`, and has no program for it.
    ///
    /// # Errors
    /// Those of [`Draft::write`] and of [`alignment`]; `onnx-invalid` where a graph is not even readable.
    pub fn write(&self, mut header: Header, root: &Path) -> Result<String, Error> {
        let turned = self
            .previous
            .map(|previous| alignment(previous, &self.videos.ids, self.items));
        let turned = turned.transpose()?;
        if let Some((_, figures)) = &turned {
            header.metrics.extend(figures.clone());
        }
        let mut draft = Draft::new(header);
        if let Some((alignment, _)) = &turned {
            draft.file(Role::Alignment, alignment.to_bytes());
        }
        draft.file(Role::FeatureSpec, self.spec.to_vec());
        // The ONNX holds the weights that the program was left with, so that both engines make the same slate.
        let user_tower = onnx::user_tower(&compile::rounded_tower(self.weights, self.user_tower));
        let ranker = onnx::ranker(&compile::rounded_ranker(self.weights, self.ranker));
        let graphs = [
            (Role::UserTowerOnnx, Role::UserTower, user_tower),
            (Role::RankerOnnx, Role::Ranker, ranker),
        ];
        for (onnx_role, program_role, graph) in graphs {
            match compile::compile_as(name(onnx_role), &graph, self.weights) {
                Ok(program) => draft.file(program_role, program.encode()),
                Err(Error::OpUnsupported { .. }) => {}
                Err(error) => return Err(error),
            }
            draft.file(onnx_role, graph);
        }
        draft.file(Role::ItemTowerOnnx, onnx::item_tower(self.item_tower, self.max_tags));
        let f = self.items.factor_dim;
        draft.file(Role::Gram, write_f32("gram", &[f, f], self.gram));
        draft.file(Role::Folding, FOLDING.to_vec());
        draft.file(Role::ItemTensors, self.items.to_safetensors(self.titles)?);
        draft.file(Role::UserTensors, self.accounts.to_safetensors()?);
        draft.file(Role::Videos, videos_to_parquet(self.videos, self.figures)?);
        draft.file(Role::Accounts, self.accounts.to_parquet()?);
        let shelves = shelves(self.items, self.figures, &self.videos.language);
        draft.file(Role::Shelves, serde_json::to_vec(&shelves).map_err(Error::file(root))?);
        draft.write(root)
    }
}

const fn name(role: Role) -> &'static str {
    match role {
        Role::UserTowerOnnx => "user tower",
        Role::RankerOnnx => "ranker",
        _ => "graph",
    }
}
