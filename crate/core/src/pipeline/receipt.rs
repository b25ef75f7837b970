//! The receipt of a slate: a hash of all that it is a function of.

use sha2::{Digest, Sha256};

use super::{Options, Viewer};
use crate::Context;
use crate::block::Block;
use crate::bundle::{ClientModel, hex};
use crate::personal::Tuning;
use crate::tree::ToJson as _;

/// A version of the pipeline: another one whenever the same inputs may give another slate. Slates that ask nothing of what
/// changed have the name of the version before, so that their receipts stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// `upnext-slate-1`.
    First,
    /// `upnext-slate-2`: another [`Tuning`] of the personal head.
    Second,
}

impl Version {
    /// Every version, the latest first.
    pub(super) const ALL: [Version; 2] = [Version::Second, Version::First];

    /// How the personal head is tuned.
    pub(super) const fn tuning(self) -> Tuning {
        match self {
            Version::First => Tuning::FIRST,
            Version::Second => Tuning::CURRENT,
        }
    }

    const fn name(self, options: &Options) -> &'static [u8] {
        match self {
            Version::Second if options.asks_the_head() => b"upnext-slate-2",
            _ => b"upnext-slate-1",
        }
    }
}

pub(super) fn receipt(
    version: Version,
    model: &ClientModel,
    block: &Block,
    viewer: &Viewer,
    context: &Context,
    options: &Options,
) -> String {
    let mut hash = Sha256::new();
    for part in [
        version.name(options),
        model.bundle_id.as_bytes(),
        block.digest(),
        &viewer.history.digest(),
        viewer.profile.json().as_bytes(),
        context.json().as_bytes(),
        options.json().as_bytes(),
    ] {
        // Length first: no two lists of parts run together alike.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digest: [u8; 32] = hash.finalize().into();
    hex(&digest)
}
