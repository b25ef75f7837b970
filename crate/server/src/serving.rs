//! What is served: the current bundle, the one before it, those of an experiment's arms, and the files of all. Swapped as
//! a whole.

use std::path::Path;
use std::sync::Arc;

use crate::catalogue::{Catalogue, Loading, current_id};
use crate::edition::{Audience, Edition};
use crate::error::StartError;
use crate::experiment::{Arm, Experiment};
use crate::route::bundle::BundleFiles;
use crate::store::video::VideoRow;
use crate::vector_index::Readiness;

/// What a request sees, from its beginning to its end.
#[derive(Debug)]
pub struct Serving {
    /// The bundle that new requests get.
    pub current: Arc<Edition>,
    /// The bundle before it: devices that hold it get blocks of it until they have fetched the next.
    pub previous: Option<Arc<Edition>>,
    /// Bundles that arms of an experiment have for themselves.
    pub arms: Vec<Arc<Edition>>,
    /// The bundle that is scored beside and answers nobody.
    pub shadow: Option<Arc<Edition>>,
    /// Client half of all bundles.
    pub files: BundleFiles,
    /// How this bundle was loaded, and those after it will be.
    pub loading: Loading,
}

impl Serving {
    /// Loads the bundle that the pointer of a root names, with the index that suits its size.
    ///
    /// # Errors
    /// [`StartError`] for a bundle that is missing, corrupt or contradictory.
    pub fn load(root: &Path, since: &[VideoRow], audience: &Audience) -> Result<Serving, StartError> {
        Serving::load_with(root, since, audience, Loading::default())
    }

    /// Loads the bundle that the pointer of a root names, in this way.
    ///
    /// # Errors
    /// As [`Serving::load`].
    pub fn load_with(
        root: &Path,
        since: &[VideoRow],
        audience: &Audience,
        loading: Loading,
    ) -> Result<Serving, StartError> {
        let catalogue = Catalogue::load_with(root, current_id(root)?, &loading)?;
        let files = BundleFiles::scan(root, &catalogue.bundle_id)?;
        Ok(Serving {
            current: Arc::new(Edition::new(catalogue, since, audience)?),
            previous: None,
            arms: Vec::new(),
            shadow: None,
            files,
            loading,
        })
    }

    /// The same, with the bundles of an experiment's arms, which lie at the root beside the current one.
    ///
    /// # Errors
    /// [`StartError`] for one that does not verify: an arm that cannot be served is no arm.
    pub fn with_arms(
        mut self,
        root: &Path,
        experiment: &Experiment,
        since: &[VideoRow],
        audience: &Audience,
    ) -> Result<Serving, StartError> {
        for id in experiment.bundles() {
            let edition = match self.loaded(id) {
                Some(edition) => edition,
                None => Arc::new(Edition::new(
                    Catalogue::load_with(root, id.to_owned(), &self.loading)?,
                    since,
                    audience,
                )?),
            };
            self.arms.push(edition);
        }
        Ok(self)
    }

    /// The same, with the bundle that the pointer of another root names scored beside.
    ///
    /// # Errors
    /// [`StartError`] for a bundle that does not verify.
    pub fn with_shadow(self, root: &Path, since: &[VideoRow], audience: &Audience) -> Result<Serving, StartError> {
        let catalogue = Catalogue::load_with(root, current_id(root)?, &self.loading)?;
        let shadow = Arc::new(Edition::new(catalogue, since, audience)?);
        Ok(Serving {
            shadow: Some(shadow),
            ..self
        })
    }

    /// The bundle that the pointer names by now, verified and loaded; `None` while it is the current one.
    ///
    /// # Errors
    /// [`StartError`] for a bundle that does not verify: what is served stays.
    pub fn load_next(&self, root: &Path) -> Result<Option<Next>, StartError> {
        let id = current_id(root)?;
        if id == self.current.catalogue.bundle_id {
            return Ok(None);
        }
        let files = BundleFiles::scan(root, &id)?;
        // Back to the one before, or on to an arm's: it is here already.
        let bundle = match self.loaded(&id) {
            Some(edition) => Loaded::Here(edition),
            None => Loaded::New(Box::new(Catalogue::load_with(root, id, &self.loading)?)),
        };
        Ok(Some(Next { bundle, files }))
    }

    /// The same with the next bundle in the place of the current one, and with what happened to its videos since.
    ///
    /// # Errors
    /// Those of [`Edition::new`].
    pub fn with_next(&self, next: Next, since: &[VideoRow], audience: &Audience) -> Result<Serving, StartError> {
        let current = match next.bundle {
            Loaded::Here(edition) => edition,
            Loaded::New(catalogue) => Arc::new(Edition::new(*catalogue, since, audience)?),
        };
        Ok(Serving {
            current,
            previous: Some(Arc::clone(&self.current)),
            arms: self.arms.clone(),
            shadow: self.shadow.clone(),
            files: next.files,
            loading: self.loading.clone(),
        })
    }

    /// Whether all bundles that answer can be searched now.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.answering()
            .map(|edition| edition.catalogue.readiness())
            .fold(Readiness::Ready, Readiness::and)
    }

    /// Ids of all bundles that are loaded, the shadow's too.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        let all = self.answering().chain(&self.shadow);
        all.map(|edition| edition.catalogue.bundle_id.clone()).collect()
    }

    /// All bundles that requests can be answered from, each once.
    #[must_use]
    pub fn editions(&self) -> Vec<&Arc<Edition>> {
        let mut all: Vec<&Arc<Edition>> = Vec::new();
        for edition in self.answering() {
            if !all.iter().any(|known| Arc::ptr_eq(known, edition)) {
                all.push(edition);
            }
        }
        all
    }

    fn answering(&self) -> impl Iterator<Item = &Arc<Edition>> {
        std::iter::once(&self.current).chain(&self.previous).chain(&self.arms)
    }

    fn loaded(&self, id: &str) -> Option<Arc<Edition>> {
        self.answering()
            .chain(&self.shadow)
            .find(|edition| edition.catalogue.bundle_id == id)
            .cloned()
    }

    /// The edition of a bundle id; the current one where none is named.
    #[must_use]
    pub fn edition(&self, bundle: Option<&str>) -> Option<&Arc<Edition>> {
        match bundle {
            None => Some(&self.current),
            Some(id) => self.answering().find(|edition| edition.catalogue.bundle_id == id),
        }
    }

    /// Id of the bundle that an arm is served by; the current one for nobody's.
    #[must_use]
    pub fn bundle_of<'a>(&'a self, arm: Option<&'a Arm>) -> &'a str {
        let own = arm.and_then(|arm| arm.bundle.as_deref());
        own.unwrap_or(&self.current.catalogue.bundle_id)
    }

    /// Whether a block of this edition is what the arm serves: of its own bundle, or where it has none of the current one
    /// or the one before.
    #[must_use]
    pub fn is_of_arm(&self, edition: &Arc<Edition>, arm: &Arm) -> bool {
        let id = &edition.catalogue.bundle_id;
        match &arm.bundle {
            Some(own) => own == id,
            None => std::iter::once(&self.current)
                .chain(&self.previous)
                .any(|served| served.catalogue.bundle_id == *id),
        }
    }
}

/// A bundle that is loaded and not served yet.
#[derive(Debug)]
pub struct Next {
    bundle: Loaded,
    files: BundleFiles,
}

#[derive(Debug)]
enum Loaded {
    Here(Arc<Edition>),
    New(Box<Catalogue>),
}

impl Next {
    fn catalogue(&self) -> &Catalogue {
        match &self.bundle {
            Loaded::Here(edition) => &edition.catalogue,
            Loaded::New(catalogue) => catalogue,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.catalogue().bundle_id
    }

    /// Whether it can be searched: an engine has to be given its rows first.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.catalogue().readiness()
    }
}
