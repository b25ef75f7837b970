//! What a device loads of a bundle.

use super::{Alignment, FileEntry, Manifest, Role, Tensors};
use crate::block::Dims;
use crate::feature::spec::FeatureSpec;
use crate::fold_in::Gram;
use crate::head::HeadWeights;
use crate::text::Folding;
use crate::{Error, ErrorKind};

/// Which form of the graphs an engine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// Compact programs.
    Compact,
    /// ONNX graphs.
    Onnx,
}

impl EngineKind {
    /// Roles of the user tower and the ranker.
    #[must_use]
    pub const fn graphs(self) -> (Role, Role) {
        match self {
            EngineKind::Compact => (Role::UserTower, Role::Ranker),
            EngineKind::Onnx => (Role::UserTowerOnnx, Role::RankerOnnx),
        }
    }
}

/// What the pipeline needs of a bundle, whatever the engine.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientModel {
    /// Bundle id.
    pub bundle_id: String,
    /// Feature spec.
    pub spec: FeatureSpec,
    /// Gram matrix of the item factors.
    pub gram: Gram,
    /// How texts are folded before they are encoded or compared.
    pub folding: Folding,
    /// How much the ranker's heads count in the order of a slate.
    pub head_weights: HeadWeights,
    /// How rows of the bundle before become rows of this one, where it says so.
    pub alignment: Option<Alignment>,
}

impl ClientModel {
    /// Widths that a block of this bundle has.
    #[must_use]
    pub fn dims(&self) -> Dims {
        Dims {
            vector: self.spec.vector_dim as usize,
            factor: self.spec.factor_dim as usize,
        }
    }
}

/// The client half of a bundle, verified: every byte against the manifest, the manifest against
/// the id, spec and dimensions against each other. The graphs are still bytes: engines read them.
#[derive(Debug, Clone)]
pub struct ClientBundle {
    /// What the pipeline needs.
    pub model: ClientModel,
    /// Manifest.
    pub manifest: Manifest,
    /// User tower, in the form of the engine kind it was assembled for.
    pub user_tower: Vec<u8>,
    /// Ranker, likewise.
    pub ranker: Vec<u8>,
}

impl ClientBundle {
    /// The files that an engine of this kind needs: fetch these, then [`ClientBundle::assemble`]. The alignment is among them
    /// whether or not there is a history to carry over: what is fetched says nothing of the viewer.
    ///
    /// # Errors
    /// [`ErrorKind::BundleIncomplete`] where the manifest lacks one.
    pub fn needed(manifest: &Manifest, kind: EngineKind) -> Result<Vec<&FileEntry>, Error> {
        let (tower, ranker) = kind.graphs();
        let mut files = Vec::with_capacity(6);
        for role in [Role::FeatureSpec, Role::Gram, Role::Folding, tower, ranker] {
            files.push(manifest.file(role)?);
        }
        files.extend(manifest.file(Role::Alignment).ok());
        Ok(files)
    }

    /// Puts the client half together. `read` gives the bytes of a path below the bundle's
    /// directory, or `None` where it has none.
    ///
    /// # Errors
    /// Those of [`Manifest::parse`]; [`ErrorKind::BundleIncomplete`] for a file that is not there,
    /// [`ErrorKind::BundleCorrupt`] for one that is not what the manifest says,
    /// [`ErrorKind::BundleInconsistent`] where spec, Gram matrix and manifest disagree.
    pub fn assemble(
        id: &str,
        manifest: &[u8],
        kind: EngineKind,
        mut read: impl FnMut(&str) -> Option<Vec<u8>>,
    ) -> Result<ClientBundle, Error> {
        let manifest = Manifest::parse(manifest, id)?;
        let mut verified = |file: &FileEntry| {
            let bytes = read(&file.path).ok_or_else(|| {
                Error::from(ErrorKind::BundleIncomplete {
                    file: file.path.clone(),
                })
            })?;
            file.verify(&bytes).map(|()| bytes)
        };
        let (tower, ranker) = kind.graphs();
        let spec = FeatureSpec::from_json(&verified(manifest.file(Role::FeatureSpec)?)?)?;
        for (what, in_spec, in_manifest) in [
            ("vector_dim of the feature spec", spec.vector_dim, manifest.vector_dim),
            ("factor_dim of the feature spec", spec.factor_dim, manifest.factor_dim),
        ] {
            if in_spec != in_manifest {
                return Err(Error::from(ErrorKind::BundleInconsistent {
                    what: what.into(),
                    expected: in_manifest.to_string(),
                    found: in_spec.to_string(),
                }));
            }
        }
        let width = manifest.factor_dim as usize;
        let gram_file = manifest.file(Role::Gram)?;
        let gram = Tensors::parse(&gram_file.path, &verified(gram_file)?)?.f32("gram", &[width, width])?;
        let dims = Dims {
            vector: manifest.vector_dim as usize,
            factor: width,
        };
        let alignment = match manifest.file(Role::Alignment) {
            Ok(file) => Some(Alignment::parse(&file.path, &verified(file)?, dims)?),
            Err(_) => None,
        };
        let model = ClientModel {
            bundle_id: id.to_owned(),
            gram: Gram::new(width, gram)?,
            folding: Folding::parse(&verified(manifest.file(Role::Folding)?)?)?,
            head_weights: manifest.head_weights,
            spec,
            alignment,
        };
        let (user_tower, ranker) = (verified(manifest.file(tower)?)?, verified(manifest.file(ranker)?)?);
        Ok(ClientBundle {
            model,
            manifest,
            user_tower,
            ranker,
        })
    }
}
