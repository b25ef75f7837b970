//! The server half of a bundle, verified and in memory.

mod accounts;
mod id_table;
mod shelves;
mod table;
mod tensors;
mod videos;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use upnext_core::block::Dims;
use upnext_core::bundle::{FileEntry, Manifest, Pointer, Role, Tensors};
use upnext_core::feature::spec::FeatureSpec;
use upnext_core::fold_in::Gram;
use upnext_core::text::{Folding, Student};
use upnext_core::{Error, ErrorKind};

use crate::column::Column;
use crate::error::StartError;
use crate::file_bytes::{FileBytes, MAP_FROM};
use crate::item_tower::ItemTower;
use crate::vector_index::{Index, Readiness, RowSet, Searcher, SideRows};

pub use accounts::Accounts;
pub use shelves::{ANY_LANGUAGE, Shelves};
pub use tensors::QuantTable;
pub use videos::{Row, Videos, content};

/// How a bundle is loaded.
#[derive(Debug, Clone)]
pub struct Loading {
    /// What it is searched with.
    pub searcher: Searcher,
    /// Files of the server's half of this many bytes and more are mapped, smaller ones are read ([`FileBytes::open`]).
    pub map_from: u64,
}

impl Default for Loading {
    fn default() -> Loading {
        Loading {
            searcher: Searcher::default(),
            map_from: MAP_FROM,
        }
    }
}

/// Everything that the candidate sources read. Row `i` of every part is the same video.
#[derive(Debug)]
pub struct Catalogue {
    /// Id of the bundle: the SHA-256 of its manifest.
    pub bundle_id: String,
    /// The manifest.
    pub manifest: Manifest,
    /// Video table.
    pub videos: Videos,
    /// Item vectors as the device gets them.
    pub vectors: QuantTable,
    /// Item factors as the device gets them.
    pub factors: QuantTable,
    /// Item vectors for the search.
    pub vector_index: Index,
    /// Item factors for the search.
    pub factor_index: Index,
    /// Encoders.
    pub spec: FeatureSpec,
    /// How texts are folded before they are encoded.
    pub folding: Folding,
    /// Gram matrix of the item factors.
    pub gram: Gram,
    /// What gives a new video its vector.
    pub item_tower: ItemTower,
    /// What encodes the titles of new videos, where that is not the built-in encoder.
    pub titles: Option<Student>,
    /// Videos that collaborative filtering knows: those with a factor other than zero.
    pub warm: RowSet,
    /// Accounts and their factors.
    pub accounts: Accounts,
    /// Content shelves.
    pub shelves: Shelves,
}

/// The id that `current.json` of a bundle root names.
///
/// # Errors
/// [`StartError::BundleMissing`] without the file, [`Error::BundleUnreadable`] when it names no id.
pub fn current_id(root: &Path) -> Result<String, StartError> {
    let bytes = std::fs::read(root.join("current.json")).map_err(|error| StartError::BundleMissing {
        path: root.to_owned(),
        reason: format!("current.json: {error}"),
    })?;
    Ok(Pointer::parse(&bytes)?.bundle)
}

/// Reads a file of the bundle, and says which one could not be read.
///
/// # Errors
/// [`Error::BundleIncomplete`] when it is absent, [`StartError::FileUnreadable`] otherwise.
pub fn read(path: &Path, name: &str) -> Result<Vec<u8>, StartError> {
    std::fs::read(path).map_err(|error| unreadable(path, name, &error))
}

fn unreadable(path: &Path, name: &str, error: &std::io::Error) -> StartError {
    match error.kind() {
        std::io::ErrorKind::NotFound => Error::from(ErrorKind::BundleIncomplete { file: name.to_owned() }).into(),
        _ => StartError::FileUnreadable {
            path: path.to_owned(),
            reason: error.to_string(),
        },
    }
}

impl Catalogue {
    /// The vector of a new video's title by the bundle's student, where it has one: the item tower learnt from such vectors.
    #[must_use]
    pub fn title(&self, title: Option<&str>) -> Option<Vec<f32>> {
        let (student, title) = self.titles.as_ref().zip(title)?;
        let mut vector = vec![0.0; student.dim()];
        student.encode(&self.folding, title, &mut vector);
        Some(vector)
    }

    /// Loads the current bundle of a root directory. Every file of the manifest is hashed,
    /// the client half too, since this server hands it out.
    ///
    /// # Errors
    /// [`StartError`]: see its codes.
    pub fn load(root: &Path) -> Result<Catalogue, StartError> {
        Catalogue::load_bundle(root, current_id(root)?)
    }

    /// Loads one bundle of a root directory, with the index that suits its size.
    ///
    /// # Errors
    /// As [`Catalogue::load`].
    pub fn load_bundle(root: &Path, bundle_id: String) -> Result<Catalogue, StartError> {
        Catalogue::load_with(root, bundle_id, &Loading::default())
    }

    /// Loads one bundle of a root directory in this way.
    ///
    /// # Errors
    /// As [`Catalogue::load`].
    pub fn load_with(root: &Path, bundle_id: String, loading: &Loading) -> Result<Catalogue, StartError> {
        let directory = root.join(&bundle_id);
        let manifest = Manifest::parse(&read(&directory.join("manifest.json"), "manifest.json")?, &bundle_id)?;
        let files = Files {
            directory,
            manifest: &manifest,
            map_from: loading.map_from,
        };
        for entry in manifest.client_files() {
            files.verified(entry)?;
        }
        let spec = FeatureSpec::from_json(&files.of(Role::FeatureSpec)?)?;
        for (what, in_spec, in_manifest) in [
            ("vector_dim of the feature spec", spec.vector_dim, manifest.vector_dim),
            ("factor_dim of the feature spec", spec.factor_dim, manifest.factor_dim),
        ] {
            if in_spec != in_manifest {
                return Err(Error::from(ErrorKind::BundleInconsistent {
                    what: what.to_owned(),
                    expected: in_manifest.to_string(),
                    found: in_spec.to_string(),
                })
                .into());
            }
        }
        let folding = Folding::parse(&files.of(Role::Folding)?)?;
        let gram_file = files.of(Role::Gram)?;
        let item_tower = ItemTower::load(&files.of(Role::ItemTowerOnnx)?, &spec)?;

        // The table is read by one processor while another hashes the largest file.
        let (videos, item_file) = rayon::join(
            || Videos::from_parquet(files.of(Role::Videos)?),
            || files.of(Role::ItemTensors),
        );
        let (videos, item_file) = (videos?, Arc::new(item_file?));
        let rows = videos.len();
        let (vector_dim, factor_dim) = (manifest.vector_dim as usize, manifest.factor_dim as usize);
        let gram = Tensors::parse("gram", &gram_file)?.f32("gram", &[factor_dim, factor_dim])?;
        let dims = (vector_dim, factor_dim, spec.text.dim as usize);
        let items = tensors::read_items(Arc::clone(&item_file), rows, dims)?;
        let ids = accounts::read_ids(files.of(Role::Accounts)?)?;
        let user_file = Arc::new(files.of(Role::UserTensors)?);
        let factors = tensors::read_users(Arc::clone(&user_file), ids.len(), factor_dim)?;
        let accounts = Accounts::new(ids, factors, factor_dim)?;
        let shelves = Shelves::parse(&files.of(Role::Shelves)?, rows)?;

        let warm = RowSet::new(rows, |row| items.factors.levels(row).iter().any(|level| *level != 0));
        let (vector_index, factor_index) = loading.searcher.indices(
            &bundle_id,
            side(&items.vectors, items.exact_vectors),
            side(&items.factors, items.exact_factors),
        )?;
        // Hashed and indexed from the first to the last byte; from now on a row here and a row there.
        item_file.expect_looks_here_and_there();
        user_file.expect_looks_here_and_there();
        Ok(Catalogue {
            bundle_id,
            videos,
            vectors: items.vectors,
            factors: items.factors,
            vector_index,
            factor_index,
            spec,
            folding,
            gram: Gram::new(factor_dim, gram)?,
            item_tower,
            titles: items.titles,
            warm,
            accounts,
            shelves,
            manifest,
        })
    }

    /// Widths of item vectors and factors.
    #[must_use]
    pub fn dims(&self) -> Dims {
        Dims {
            vector: self.vectors.dim(),
            factor: self.factors.dim(),
        }
    }

    /// Whether both sides can be searched now.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.vector_index.readiness().and(self.factor_index.readiness())
    }
}

fn side(table: &QuantTable, exact: Column<f32>) -> SideRows<'_> {
    SideRows {
        dim: table.dim(),
        levels: table.all_levels(),
        scales: table.scales(),
        exact,
    }
}

/// Verified reading of one bundle's files.
struct Files<'a> {
    directory: PathBuf,
    manifest: &'a Manifest,
    map_from: u64,
}

impl Files<'_> {
    fn of(&self, role: Role) -> Result<FileBytes, StartError> {
        self.verified(self.manifest.file(role)?)
    }

    fn verified(&self, entry: &FileEntry) -> Result<FileBytes, StartError> {
        // `Manifest::parse` has checked that the path stays below the bundle's directory.
        let path = self.directory.join(&entry.path);
        let bytes = FileBytes::open(&path, self.map_from).map_err(|error| unreadable(&path, &entry.path, &error))?;
        entry.verify(&bytes)?;
        Ok(bytes)
    }
}
