//! The receipt of a slate: a hash of all that it is a function of.

use sha2::{Digest, Sha256};

use super::{Options, Viewer};
use crate::Context;
use crate::block::Block;
use crate::bundle::{ClientModel, hex};
use crate::tree::ToJson as _;

/// Changes with the pipeline: whenever the same inputs may give another slate.
const PIPELINE: &[u8] = b"upnext-slate-1";

pub(super) fn receipt(
    model: &ClientModel,
    block: &Block,
    viewer: &Viewer,
    context: &Context,
    options: &Options,
) -> String {
    let mut hash = Sha256::new();
    for part in [
        PIPELINE,
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
