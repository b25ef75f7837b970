//! What is served: the current bundle, the one before it, and the files of all. Swapped as a whole.

use std::path::Path;
use std::sync::Arc;

use crate::catalogue::{Catalogue, current_id};
use crate::edition::Edition;
use crate::error::StartError;
use crate::route::bundle::BundleFiles;
use crate::store::video::VideoRow;

/// What a request sees, from its beginning to its end.
#[derive(Debug)]
pub struct Serving {
    /// The bundle that new requests get.
    pub current: Arc<Edition>,
    /// The bundle before it: devices that hold it get blocks of it until they have fetched the next.
    pub previous: Option<Arc<Edition>>,
    /// Client half of all bundles.
    pub files: BundleFiles,
}

impl Serving {
    /// Loads the bundle that the pointer of a root names.
    ///
    /// # Errors
    /// [`StartError`] for a bundle that is missing, corrupt or contradictory.
    pub fn load(root: &Path, since: &[VideoRow], region: Option<&str>) -> Result<Serving, StartError> {
        let catalogue = Catalogue::load(root)?;
        let files = BundleFiles::scan(root, &catalogue.bundle_id)?;
        Ok(Serving {
            current: Arc::new(Edition::new(catalogue, since, region)?),
            previous: None,
            files,
        })
    }

    /// The bundle that the pointer names by now, in the place of the current one; `None` while it is the same.
    ///
    /// # Errors
    /// [`StartError`] for a bundle that does not verify: what is served stays.
    pub fn next(&self, root: &Path, since: &[VideoRow], region: Option<&str>) -> Result<Option<Serving>, StartError> {
        let id = current_id(root)?;
        if id == self.current.catalogue.bundle_id {
            return Ok(None);
        }
        let files = BundleFiles::scan(root, &id)?;
        // Back to the one before: it is still here.
        let kept = self
            .previous
            .clone()
            .filter(|edition| edition.catalogue.bundle_id == id);
        let current = match kept {
            Some(edition) => edition,
            None => Arc::new(Edition::new(Catalogue::load_bundle(root, id)?, since, region)?),
        };
        Ok(Some(Serving {
            current,
            previous: Some(Arc::clone(&self.current)),
            files,
        }))
    }

    /// Both bundles.
    pub fn editions(&self) -> impl Iterator<Item = &Arc<Edition>> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    /// The edition of a bundle id; the current one where none is named.
    #[must_use]
    pub fn edition(&self, bundle: Option<&str>) -> Option<&Arc<Edition>> {
        match bundle {
            None => Some(&self.current),
            Some(id) => self.editions().find(|edition| edition.catalogue.bundle_id == id),
        }
    }
}
