//! The manifest: what is in a bundle.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::head::HeadWeights;
use crate::tree::{FromTree, Reader, Tree, record};

/// Version of the layout that is written.
pub const BUNDLE_VERSION: u32 = 3;
/// Oldest version that is read. In version 2 no manifest has head weights: its ranker knows relevance and order alone.
pub const OLDEST_BUNDLE_VERSION: u32 = 2;

/// What a file of the bundle is for. Client roles are public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Feature spec, JSON.
    FeatureSpec,
    /// User tower, compact program.
    UserTower,
    /// User tower, ONNX.
    UserTowerOnnx,
    /// Ranker, compact program.
    Ranker,
    /// Ranker, ONNX.
    RankerOnnx,
    /// Gram matrix ΣvvT of the item factors, safetensors `gram` `[f, f]` f32.
    Gram,
    /// How texts are folded: a table of Unicode's, [`Folding`](crate::text::Folding).
    Folding,
    /// How rows of the bundle before become rows of this one, safetensors: [`Alignment`](super::Alignment). A bundle may lack it.
    Alignment,
    /// Item tower, ONNX (server half).
    ItemTowerOnnx,
    /// Item vectors, factors, scales: safetensors (server half).
    ItemTensors,
    /// User factors, safetensors (server half).
    UserTensors,
    /// Videos, Parquet, row `i` is row `i` of the item tensors (server half).
    Videos,
    /// Accounts, Parquet, row `i` is row `i` of the user tensors (server half).
    Accounts,
    /// Content shelves per language, JSON (server half).
    Shelves,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 14] = [
        Role::FeatureSpec,
        Role::UserTower,
        Role::UserTowerOnnx,
        Role::Ranker,
        Role::RankerOnnx,
        Role::Gram,
        Role::Folding,
        Role::Alignment,
        Role::ItemTowerOnnx,
        Role::ItemTensors,
        Role::UserTensors,
        Role::Videos,
        Role::Accounts,
        Role::Shelves,
    ];

    /// The name in a manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::FeatureSpec => "feature-spec",
            Role::UserTower => "user-tower",
            Role::UserTowerOnnx => "user-tower-onnx",
            Role::Ranker => "ranker",
            Role::RankerOnnx => "ranker-onnx",
            Role::Gram => "gram",
            Role::Folding => "folding",
            Role::Alignment => "alignment",
            Role::ItemTowerOnnx => "item-tower-onnx",
            Role::ItemTensors => "item-tensors",
            Role::UserTensors => "user-tensors",
            Role::Videos => "videos",
            Role::Accounts => "accounts",
            Role::Shelves => "shelves",
        }
    }

    /// True for the public half, which a server may hand out.
    #[must_use]
    pub const fn is_client(self) -> bool {
        match self {
            Role::FeatureSpec
            | Role::UserTower
            | Role::UserTowerOnnx
            | Role::Ranker
            | Role::RankerOnnx
            | Role::Gram
            | Role::Folding
            | Role::Alignment => true,
            Role::ItemTowerOnnx
            | Role::ItemTensors
            | Role::UserTensors
            | Role::Videos
            | Role::Accounts
            | Role::Shelves => false,
        }
    }
}

/// One file of the bundle.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileEntry {
    /// What it is for.
    pub role: Role,
    /// Path below the bundle's directory, with forward slashes.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256, 64 hex digits.
    pub sha256: String,
}

/// A stretch of time, Unix milliseconds, end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Window {
    /// First instant.
    pub from_ms: i64,
    /// First instant after it.
    pub until_ms: i64,
}

/// The manifest. Its bytes' SHA-256 is the bundle id, so it does not hold the id.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Manifest {
    /// [`OLDEST_BUNDLE_VERSION`] to [`BUNDLE_VERSION`].
    pub version: u32,
    /// Name of the data set it was trained on.
    pub dataset: String,
    /// SHA-256 of the feature spec's bytes.
    pub spec_sha256: String,
    /// Width of user and item vectors.
    pub vector_dim: u32,
    /// Width of collaborative factors.
    pub factor_dim: u32,
    /// What the towers were trained for: `sampled-softmax` or `bce`.
    pub objective: String,
    /// How much the ranker's heads count in the order of a slate; without a weight: it has no such head.
    pub head_weights: HeadWeights,
    /// Events that the factors saw.
    pub factor_window: Window,
    /// Events that towers and ranker saw.
    pub train_window: Window,
    /// True: a graph has an op outside the compact set, load `upnext/onnx`.
    pub needs_onnx: bool,
    /// Figures of the training run, by name.
    pub metrics: Metrics,
    /// Every file, by role.
    pub files: Vec<FileEntry>,
}

/// Figures by name, in the order of the names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics(Vec<(String, f64)>);

impl Metrics {
    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

impl From<BTreeMap<String, f64>> for Metrics {
    fn from(figures: BTreeMap<String, f64>) -> Metrics {
        Metrics(figures.into_iter().collect())
    }
}

impl Serialize for Metrics {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl FromTree for Metrics {
    fn read(tree: Tree, reader: &mut Reader) -> Metrics {
        let mut figures = Vec::new();
        for (name, value) in reader.members(tree) {
            let value = f64::read(value, reader);
            figures.push((name, value));
        }
        Metrics(figures)
    }
}

impl FromTree for Role {
    fn read(tree: Tree, reader: &mut Reader) -> Role {
        let name = String::read(tree, reader);
        let role = Role::ALL.into_iter().find(|role| role.as_str() == name);
        role.unwrap_or_else(|| {
            reader.refuse(format!("no role is called `{name}`"));
            Role::FeatureSpec
        })
    }
}
record!(@serde Role);
record!(FileEntry {
    role,
    path,
    bytes,
    sha256
});
record!(Window { from_ms, until_ms });
record!(Manifest {
    version,
    dataset,
    spec_sha256,
    vector_dim,
    factor_dim,
    objective,
    head_weights = HeadWeights::RELEVANT,
    factor_window,
    train_window,
    needs_onnx,
    metrics,
    files,
});
