//! From a declared request to a candidate block: sources → merge → columns.

use std::collections::BTreeMap;

use upnext_core::Error;
use upnext_core::block::{BLOCK_VERSION, Block, BlockMessage, Dims};

use crate::catalogue::{Catalogue, Videos};
use crate::source::{Candidate, cf, content, merge};

/// Who asks, as far as the server may know.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Asker<'a> {
    /// Nobody in particular: public shelves.
    Anonymous,
    /// An account, by the factor that was learnt for it.
    Account {
        /// Factor; zeros for an account of which nothing was learnt.
        factor: &'a [f32],
    },
}

/// The candidates for a request: for an account what its factor finds, then the content shelf as far as
/// there is room; for everybody else the content shelf.
///
/// # Errors
/// Those of the index; none for a factor of this catalogue.
pub fn select(
    catalogue: &Catalogue,
    asker: Asker<'_>,
    languages: &[String],
    size: usize,
) -> Result<Vec<Candidate>, Error> {
    let shelf = content::candidates(&catalogue.shelves, languages, size);
    Ok(match asker {
        Asker::Anonymous => shelf,
        Asker::Account { factor } => merge(&[cf::candidates(catalogue, factor, size)?, shelf], size),
    })
}

/// The block of these candidates, in their order, verified as a device will verify it.
///
/// # Errors
/// Those of [`Block::decode`], if a candidate breaks a bound of the block; loading a catalogue rules that out.
pub fn block(catalogue: &Catalogue, candidates: &[Candidate], expires_at_ms: i64) -> Result<Block, Error> {
    let dims = Dims {
        vector: catalogue.vectors.dim(),
        factor: catalogue.factors.dim(),
    };
    Block::from_message(
        message(catalogue, candidates, expires_at_ms),
        &catalogue.bundle_id,
        dims,
    )
}

fn message(catalogue: &Catalogue, candidates: &[Candidate], expires_at_ms: i64) -> BlockMessage {
    let videos = &catalogue.videos;
    let rows: Vec<usize> = candidates.iter().map(|candidate| candidate.row as usize).collect();
    let mut words = Dictionary::new(videos);
    let mut tags = Vec::new();
    let mut tag_counts = Vec::with_capacity(rows.len());
    for row in &rows {
        let terms = videos.tags(*row);
        tags.extend(terms.iter().map(|term| words.reference(*term)));
        tag_counts.push(terms.len() as u32);
    }
    let bytes = |table: &crate::catalogue::QuantTable| -> Vec<u8> {
        rows.iter()
            .flat_map(|row| table.levels(*row))
            .map(|level| level.cast_unsigned())
            .collect()
    };
    let numbers = |column: &[f32]| -> Vec<f32> { rows.iter().map(|row| column[*row]).collect() };
    BlockMessage {
        version: BLOCK_VERSION,
        bundle_id: catalogue.bundle_id.clone(),
        expires_at_ms,
        ids: rows.iter().map(|row| videos.ids[*row].clone()).collect(),
        vector_dim: catalogue.vectors.dim() as u32,
        vectors: bytes(&catalogue.vectors),
        vector_scales: numbers(catalogue.vectors.scales()),
        factor_dim: catalogue.factors.dim() as u32,
        factors: bytes(&catalogue.factors),
        factor_scales: numbers(catalogue.factors.scales()),
        sources: candidates.iter().map(|candidate| candidate.sources).collect(),
        server_scores: candidates.iter().map(|candidate| candidate.score).collect(),
        priors: numbers(&videos.priors),
        log_popularity: numbers(&videos.log_popularity),
        length_seconds: numbers(&videos.length_seconds),
        published_at_ms: rows.iter().map(|row| videos.published_at_ms[*row]).collect(),
        languages: rows.iter().map(|row| words.reference(videos.languages[*row])).collect(),
        ratings: rows.iter().map(|row| words.reference(videos.ratings[*row])).collect(),
        channels: rows.iter().map(|row| words.reference(videos.channels[*row])).collect(),
        tag_counts,
        tags,
        titles: texts(&videos.titles, &rows),
        thumbnails: texts(&videos.thumbnails, &rows),
        dictionary: words.words,
        effects: numbers(&videos.effects),
    }
}

/// The column's texts for these rows; none at all when all are empty.
fn texts(column: &[String], rows: &[usize]) -> Vec<String> {
    if rows.iter().all(|row| column[*row].is_empty()) {
        return Vec::new();
    }
    rows.iter().map(|row| column[*row].clone()).collect()
}

/// The block's own dictionary: words in the order of their first use.
struct Dictionary<'a> {
    videos: &'a Videos,
    references: BTreeMap<u32, u32>,
    words: Vec<String>,
}

impl<'a> Dictionary<'a> {
    fn new(videos: &'a Videos) -> Dictionary<'a> {
        Dictionary {
            videos,
            references: BTreeMap::new(),
            words: Vec::new(),
        }
    }

    /// `1 + index` of a term of the video table; 0 for unknown.
    fn reference(&mut self, term: u32) -> u32 {
        let Some(text) = self.videos.term(term) else { return 0 };
        *self.references.entry(term).or_insert_with(|| {
            self.words.push(text.to_owned());
            self.words.len() as u32
        })
    }
}
