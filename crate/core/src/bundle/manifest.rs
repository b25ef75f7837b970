//! The manifest: what is in a bundle.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Version of the layout.
pub const BUNDLE_VERSION: u32 = 1;

/// What a file of the bundle is for. Client roles are public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// True for the public half, which a server may hand out.
    #[must_use]
    pub const fn is_client(self) -> bool {
        match self {
            Role::FeatureSpec
            | Role::UserTower
            | Role::UserTowerOnnx
            | Role::Ranker
            | Role::RankerOnnx
            | Role::Gram => true,
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First instant.
    pub from_ms: i64,
    /// First instant after it.
    pub until_ms: i64,
}

/// The manifest. Its bytes' SHA-256 is the bundle id, so it does not hold the id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`BUNDLE_VERSION`].
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
    /// Events that the factors saw.
    pub factor_window: Window,
    /// Events that towers and ranker saw.
    pub train_window: Window,
    /// True: a graph has an op outside the compact set, load `upnext/onnx`.
    pub needs_onnx: bool,
    /// Figures of the training run, by name.
    pub metrics: BTreeMap<String, f64>,
    /// Every file, by role.
    pub files: Vec<FileEntry>,
}
