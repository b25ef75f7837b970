//! The receipt of a slate: a hash of all that it is a function of.

use sha2::{Digest, Sha256};

use super::{Options, Viewer};
use crate::block::Block;
use crate::bundle::{ClientModel, hex};
use crate::{Context, Error};

/// Changes with the pipeline: whenever the same inputs may give another slate.
const PIPELINE: &[u8] = b"upnext-slate-1";

pub(super) fn receipt(
    model: &ClientModel,
    block: &Block,
    viewer: &Viewer,
    context: &Context,
    options: &Options,
) -> Result<String, Error> {
    let profile = viewer.profile.to_json()?;
    let moment = serde_json::to_vec(&(context, options)).map_err(|e| Error::RequestInvalid {
        what: "context or options".into(),
        reason: e.to_string(),
    })?;
    let mut hash = Sha256::new();
    for part in [
        PIPELINE,
        model.bundle_id.as_bytes(),
        block.digest(),
        &viewer.history.digest(),
        profile.as_bytes(),
        &moment,
    ] {
        // Length first: no two lists of parts run together alike.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digest: [u8; 32] = hash.finalize().into();
    Ok(hex(&digest))
}
