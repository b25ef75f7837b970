//! Every bound of a block, checked once.

use super::{
    BLOCK_VERSION, Block, BlockMessage, Dims, MAX_ARM_BYTES, MAX_CANDIDATES, MAX_ID_BYTES, MAX_REGIONS, MAX_REMOVED,
    MAX_TAGS, MAX_TEXT_BYTES,
};
use crate::hash::hash64;
use crate::tree::decimal;
use crate::{Error, ErrorKind};

/// The most negative level is never written, so that rows stay symmetric.
const FORBIDDEN_LEVEL: u8 = i8::MIN as u8;

/// The columns of texts that belong to candidates, owned or not.
#[derive(Clone, Copy)]
pub(super) struct Strings<'a, S> {
    pub(super) ids: &'a [S],
    pub(super) dictionary: &'a [S],
    pub(super) titles: &'a [S],
    pub(super) thumbnails: &'a [S],
}

pub(super) fn verify(message: BlockMessage, bundle_id: &str, dims: Dims, digest: [u8; 32]) -> Result<Block, Error> {
    let strings = Strings {
        ids: &message.ids[..],
        dictionary: &message.dictionary[..],
        titles: &message.titles[..],
        thumbnails: &message.thumbnails[..],
    };
    let Starts { tags, regions } = bounds(&message, strings, bundle_id, dims)?;
    let by_id = by_id(&message.ids)?;
    let signed = |levels: &[u8]| levels.iter().map(|b| b.cast_signed()).collect();
    Ok(Block {
        vectors: signed(&message.vectors),
        factors: signed(&message.factors),
        message,
        tag_starts: tags,
        region_starts: regions,
        by_id,
        digest,
    })
}

/// Where each candidate's part of a list begins, and the end.
pub(super) struct Starts {
    tags: Vec<usize>,
    regions: Vec<usize>,
}

/// Every bound but that ids are distinct. Of `message` the columns are read that are not among `strings`.
pub(super) fn bounds<S: AsRef<str>>(
    message: &BlockMessage,
    strings: Strings<'_, S>,
    bundle_id: &str,
    dims: Dims,
) -> Result<Starts, Error> {
    if message.version != BLOCK_VERSION {
        return Err(Error::from(ErrorKind::BundleVersion {
            what: "candidate block",
            found: message.version,
            expected: BLOCK_VERSION,
        }));
    }
    if message.bundle_id != bundle_id {
        return Err(Error::from(ErrorKind::BundleMismatch {
            what: "candidate block",
            expected: bundle_id.to_owned(),
            // Untrusted text goes into the message: not more of it than an id is long.
            found: message.bundle_id.chars().take(64).collect(),
        }));
    }
    let n = strings.ids.len();
    if n > MAX_CANDIDATES {
        return Err(invalid("number of candidates", format!("at most {MAX_CANDIDATES}"), n));
    }
    vectors(message, dims, n)?;
    columns(message, n, strings.dictionary.len())?;
    texts(message, strings, n)?;
    let tags = starts("tag_counts", &message.tag_counts, MAX_TAGS)?;
    length("tags", message.tags.len(), tags[n])?;
    let regions = starts("region_counts", &message.region_counts, MAX_REGIONS)?;
    length("regions", message.regions.len(), regions[message.region_counts.len()])?;
    Ok(Starts { tags, regions })
}

fn vectors(message: &BlockMessage, dims: Dims, n: usize) -> Result<(), Error> {
    if message.vector_dim as usize != dims.vector {
        return Err(invalid("vector_dim", dims.vector, message.vector_dim));
    }
    let factor_dim = message.factor_dim as usize;
    if factor_dim != 0 && factor_dim != dims.factor {
        return Err(invalid("factor_dim", format!("0 or {}", dims.factor), factor_dim));
    }
    let factor_rows = if factor_dim == 0 { 0 } else { n };
    // n is bounded, the widths are those of the loaded bundle: no product overflows.
    length("vectors", message.vectors.len(), n * dims.vector)?;
    length("vector_scales", message.vector_scales.len(), n)?;
    length("factors", message.factors.len(), factor_rows * factor_dim)?;
    length("factor_scales", message.factor_scales.len(), factor_rows)?;
    for (what, levels) in [("vectors", &message.vectors), ("factors", &message.factors)] {
        if levels.contains(&FORBIDDEN_LEVEL) {
            return Err(invalid(what, "levels in −127..=127", i8::MIN));
        }
    }
    for (what, scales) in [
        ("vector_scales", &message.vector_scales),
        ("factor_scales", &message.factor_scales),
    ] {
        finite(what, scales)?;
        if let Some(scale) = scales.iter().find(|s| **s < 0.0) {
            return Err(invalid(what, "scales of 0 or more", decimal::text(*scale)));
        }
    }
    Ok(())
}

fn columns(message: &BlockMessage, n: usize, words: usize) -> Result<(), Error> {
    length("sources", message.sources.len(), n)?;
    length("published_at_ms", message.published_at_ms.len(), n)?;
    for (what, column) in [
        ("server_scores", &message.server_scores),
        ("priors", &message.priors),
        ("effects", &message.effects),
        ("log_popularity", &message.log_popularity),
        ("length_seconds", &message.length_seconds),
    ] {
        length(what, column.len(), n)?;
        finite(what, column)?;
    }
    for (what, column) in [
        ("languages", &message.languages),
        ("ratings", &message.ratings),
        ("channels", &message.channels),
    ] {
        length(what, column.len(), n)?;
        dictionary_rows(what, column, words)?;
    }
    length("tag_counts", message.tag_counts.len(), n)?;
    for (what, column) in [
        ("region_counts", &message.region_counts),
        ("contents", &message.contents),
    ] {
        if !column.is_empty() {
            length(what, column.len(), n)?;
        }
    }
    for (what, column) in [
        ("tags", &message.tags),
        ("regions", &message.regions),
        ("contents", &message.contents),
    ] {
        dictionary_rows(what, column, words)?;
    }
    Ok(())
}

fn texts<S: AsRef<str>>(message: &BlockMessage, strings: Strings<'_, S>, n: usize) -> Result<(), Error> {
    let mut lengths = strings.ids.iter().map(|id| id.as_ref().len());
    if let Some(length) = lengths.find(|length| !(1..=MAX_ID_BYTES).contains(length)) {
        return Err(invalid("length of an id", format!("1..={MAX_ID_BYTES} bytes"), length));
    }
    if message.arm.len() > MAX_ARM_BYTES || !message.arm.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid(
            "name of the arm",
            format!("at most {MAX_ARM_BYTES} visible ASCII characters"),
            format!("{} bytes", message.arm.len()),
        ));
    }
    if message.removed.len() > MAX_REMOVED {
        return Err(invalid(
            "number of removed ids",
            format!("at most {MAX_REMOVED}"),
            message.removed.len(),
        ));
    }
    if !message.removed.is_sorted_by(|a, b| a < b) {
        return Err(invalid("removed ids", "strictly rising ids", "others"));
    }
    no_longer("length of a removed id", &message.removed, MAX_ID_BYTES)?;
    for (what, column, longest) in [
        ("length of a dictionary string", strings.dictionary, MAX_ID_BYTES),
        ("length of a title", strings.titles, MAX_TEXT_BYTES),
        ("length of a thumbnail address", strings.thumbnails, MAX_TEXT_BYTES),
    ] {
        no_longer(what, column, longest)?;
    }
    for (what, column) in [("titles", strings.titles), ("thumbnails", strings.thumbnails)] {
        if !column.is_empty() {
            length(what, column.len(), n)?;
        }
    }
    Ok(())
}

/// Where the part of each candidate starts in a list of all of them, and the end.
fn starts(what: &'static str, counts: &[u32], most: usize) -> Result<Vec<usize>, Error> {
    let mut starts = Vec::with_capacity(counts.len() + 1);
    let mut total = 0;
    starts.push(0);
    for count in counts {
        let count = *count as usize;
        if count > most {
            return Err(invalid(what, format!("at most {most}"), count));
        }
        total += count;
        starts.push(total);
    }
    Ok(starts)
}

fn no_longer<S: AsRef<str>>(what: &'static str, column: &[S], longest: usize) -> Result<(), Error> {
    match column.iter().find(|text| text.as_ref().len() > longest) {
        Some(text) => Err(invalid(what, format!("at most {longest} bytes"), text.as_ref().len())),
        None => Ok(()),
    }
}

/// Refuses ids of which two are alike. By their hashes: only where two of these are alike are ids compared.
pub(super) fn distinct<S: AsRef<str>>(ids: &[S]) -> Result<(), Error> {
    let mut hashes: Vec<u64> = ids.iter().map(|id| hash64(0, id.as_ref().as_bytes())).collect();
    hashes.sort_unstable();
    if hashes.windows(2).any(|w| w[0] == w[1]) {
        by_id(ids)?;
    }
    Ok(())
}

/// Rows in the order of their ids, which are distinct.
fn by_id<S: AsRef<str>>(ids: &[S]) -> Result<Vec<u32>, Error> {
    let id = |row: &u32| ids[*row as usize].as_ref();
    let mut rows: Vec<u32> = (0..ids.len() as u32).collect();
    rows.sort_unstable_by_key(|row| id(row));
    match rows.windows(2).find(|w| id(&w[0]) == id(&w[1])) {
        Some(w) => Err(invalid(
            "ids",
            "distinct ids",
            format!("rows {} and {} alike", w[0].min(w[1]), w[0].max(w[1])),
        )),
        None => Ok(rows),
    }
}

fn length(what: &'static str, found: usize, expected: usize) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    Err(invalid(what, format!("{expected} values"), format!("{found} values")))
}

fn finite(what: &'static str, column: &[f32]) -> Result<(), Error> {
    match column.iter().position(|v| !v.is_finite()) {
        Some(index) => Err(Error::from(ErrorKind::NotFinite { what, index })),
        None => Ok(()),
    }
}

fn dictionary_rows(what: &'static str, column: &[u32], words: usize) -> Result<(), Error> {
    match column.iter().find(|row| **row as usize > words) {
        Some(row) => Err(Error::from(ErrorKind::IdOutOfRange {
            what: format!("dictionary row of {what}"),
            found: i64::from(*row),
            limit: words as i64 + 1,
        })),
        None => Ok(()),
    }
}

fn invalid(what: &'static str, expected: impl ToString, found: impl ToString) -> Error {
    Error::from(ErrorKind::BlockInvalid {
        what,
        expected: expected.to_string(),
        found: found.to_string(),
    })
}
