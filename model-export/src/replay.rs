//! A slate once more, from the receipt that a device wrote: the same bundle, block, viewer, moment and options through
//! the same functions of `upnext-core`, on this machine.

use std::path::Path;

use serde::Deserialize;
use upnext_core::block::Block;
use upnext_core::bundle::{EngineKind, unhex};
use upnext_core::engine::CompactEngine;
use upnext_core::history::History;
use upnext_core::pipeline::{Options, Slate, Viewer, replay};
use upnext_core::{Context, ErrorKind, Profile};

use crate::Error;
use crate::bundle::Bundle;

/// Version of the form of a receipt.
pub const RECEIPT_VERSION: u32 = 1;

/// All that a slate is a function of, besides the bundle, as `upnext.receipt()` of the npm package writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Receipt {
    /// [`RECEIPT_VERSION`].
    pub version: u32,
    /// SHA-256 of the inputs, 64 hex digits: the slate's own receipt.
    pub receipt: String,
    /// Id of the bundle.
    pub bundle_id: String,
    /// What the viewer told.
    profile: serde_json::Value,
    /// What they did.
    history: serde_json::Value,
    /// The moment.
    pub context: Context,
    /// The options.
    pub options: Options,
    /// Bytes of the candidate block in hex digits.
    block: String,
    /// Ids of the slate, in its order.
    pub ids: Vec<String>,
}

/// What the replay of a receipt gave.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// The slate.
    pub slate: Slate,
    /// The block that it was made of.
    pub block: Block,
}

impl Receipt {
    /// Reads a receipt; `path` is what an error names.
    ///
    /// # Errors
    /// [`Error::File`] for anything but the JSON of a receipt of this version.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Receipt, Error> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_slice(bytes).map_err(Error::file(path))?;
        if version != RECEIPT_VERSION {
            let reason = format!("is a receipt of version {version}, this program reads {RECEIPT_VERSION}");
            return Err(Error::file(path)(reason));
        }
        serde_json::from_slice(bytes).map_err(Error::file(path))
    }

    /// Makes the slate again and holds it to what the receipt names: hash of the inputs, ids and order.
    ///
    /// `root` is a bundle root, which may hold the receipt's bundle beside newer ones, or that bundle's own directory.
    ///
    /// # Errors
    /// [`Error::ReceiptMismatch`] where hash or slate differ; `bundle-mismatch` where `root` has another bundle;
    /// otherwise those of reading a bundle, a block, a profile, a history, and of [`replay`].
    pub fn replay(&self, root: &Path) -> Result<Replayed, Error> {
        let bundle = self.bundle(root)?;
        let client = bundle.client(EngineKind::Compact)?;
        let bytes = unhex(&self.block).ok_or_else(|| {
            Error::from(upnext_core::Error::from(ErrorKind::BlockUnreadable {
                reason: "the receipt's block is not hex digits".to_owned(),
            }))
        })?;
        let block = Block::decode(&bytes, &bundle.id, client.model.dims())?;
        let viewer = Viewer {
            profile: Profile::from_json(self.profile.to_string().as_bytes())?,
            history: History::parse(self.history.to_string().as_bytes())?,
        };
        let mut engine = CompactEngine::new(&client)?;
        let slate = replay(
            &mut engine,
            &client.model,
            &block,
            &viewer,
            &self.context,
            &self.options,
            &self.receipt,
        )?;
        self.check(&slate)?;
        Ok(Replayed { slate, block })
    }

    fn bundle(&self, root: &Path) -> Result<Bundle, Error> {
        let beside = root.join(&self.bundle_id);
        let bundle = Bundle::open(if beside.is_dir() { &beside } else { root })?;
        if bundle.id == self.bundle_id {
            return Ok(bundle);
        }
        Err(Error::from(upnext_core::Error::from(ErrorKind::BundleMismatch {
            what: "receipt",
            expected: bundle.id,
            found: self.bundle_id.clone(),
        })))
    }

    /// The slate first: where it differs too, that says more than two hashes do.
    fn check(&self, slate: &Slate) -> Result<(), Error> {
        let ids: Vec<&str> = slate.items.iter().map(|item| item.id.as_str()).collect();
        let named = |list: Option<&str>| list.map_or("nothing".to_owned(), |id| format!("`{id}`"));
        let longest = ids.len().max(self.ids.len());
        if let Some(place) = (0..longest).find(|at| ids.get(*at).copied() != self.ids.get(*at).map(String::as_str)) {
            return Err(Error::ReceiptMismatch {
                what: format!("video in place {}", place + 1),
                expected: named(self.ids.get(place).map(String::as_str)),
                found: named(ids.get(place).copied()),
            });
        }
        if slate.receipt != self.receipt {
            return Err(Error::ReceiptMismatch {
                what: "hash".to_owned(),
                expected: self.receipt.clone(),
                found: slate.receipt.clone(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
