//! From a declared request to a candidate block: sources → blend → columns.

use std::collections::HashMap;

use bytemuck::cast_slice;
use upnext_core::Error;
use upnext_core::block::{BLOCK_VERSION, BlockMessage, Texts};

use crate::catalogue::{Row, Videos};
use crate::known::Known;
use crate::pulse::Pulse;
use crate::row_hash::RowMap;
use crate::source::{Ask, Candidate, Part, blend, cf, content, fresh, near, neighbours, popular};
use crate::stock::{Stock, VideoView, Word};
use crate::vector_index::SearchError;

/// How far back removed videos are listed, in milliseconds: as long as the longest block can live.
pub const REMOVED_MS: i64 = 7 * 86_400_000;

/// Who asks, as far as the server may know.
#[derive(Debug, Clone, PartialEq)]
pub enum Asker {
    /// Nobody in particular: public shelves.
    Anonymous,
    /// Somebody of whom something is known: an account, or who named videos.
    Known(Box<Known>),
}

/// What a request wants of the sources.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// BCP 47 tags that were declared.
    pub languages: Vec<String>,
    /// Number of candidates.
    pub size: usize,
    /// What each source may fill of the block of somebody who is known.
    pub shares: Shares,
    /// Unix milliseconds.
    pub now_ms: i64,
}

/// What a source may fill, as shares of the block, 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Places that nobody takes from it.
    pub own: f32,
    /// How much it may bring at most, no less than `own`.
    pub most: f32,
}

impl Share {
    const fn new(own: f32, most: f32) -> Share {
        Share { own, most }
    }
}

/// What the sources may fill that stand beside an account's factor, which has whatever they leave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// What neighbours found.
    pub neighbours: Share,
    /// What is near the latest relevant videos.
    pub near: Share,
    /// Fresh uploads. The exploration budget: a block has no more than this of what nobody knows yet.
    pub fresh: Share,
    /// What is popular now.
    pub popular: Share,
}

impl Default for Shares {
    fn default() -> Shares {
        Shares {
            neighbours: Share::new(0.1, 0.2),
            near: Share::new(0.1, 0.4),
            fresh: FRESH_FOR_ALL,
            popular: Share::new(0.05, 0.2),
        }
    }
}

const FRESH_FOR_ALL: Share = Share::new(0.05, 0.05);
/// Newcomers have nothing of their own to go by.
const POPULAR_FOR_ALL: Share = Share::new(0.2, 0.4);

/// What was selected.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// Candidates, in the server's order.
    pub candidates: Vec<Candidate>,
    /// Sources that could not be asked, since the engine that they search with does not answer; others have their places.
    pub missing: Vec<&'static str>,
}

/// The candidates for a request. For somebody who is known: what their factor finds, beside neighbours, what is near their
/// latest videos, fresh and popular ones, each with places of its own; then the shelves as far as there is room. For
/// everybody else the shelves, beside fresh and popular ones.
///
/// Where an engine is [away](SearchError::Away), what the other sources have is better than nothing: a viewer gets a full
/// block without it, and the selection says what is missing.
///
/// # Errors
/// Those of the index; none for a factor of this bundle.
pub fn select(stock: &Stock<'_>, pulse: &Pulse, asker: &Asker, wish: &Wish) -> Result<Selection, Error> {
    let Wish {
        ref languages,
        size,
        ref shares,
        now_ms,
    } = *wish;
    let allowed = match asker {
        Asker::Anonymous => stock.visible().clone(),
        Asker::Known(known) => stock.visible().without(&known.past.done),
    };
    let ask = |most: f32| Ask {
        stock,
        allowed: &allowed,
        languages,
        size: (size as f32 * most) as usize,
        now_ms,
    };
    let part = |share: &Share, candidates: Vec<Candidate>| Part {
        candidates,
        quota: (size as f32 * share.own) as usize,
    };
    let mut missing = Vec::new();
    let mut found = |source: &'static str, answer: Result<Vec<Candidate>, SearchError>| match answer {
        Ok(candidates) => Ok(candidates),
        Err(SearchError::Refused(error)) => Err(error),
        Err(SearchError::Away { .. }) => {
            missing.push(source);
            Ok(Vec::new())
        }
    };
    let fresh = |share: &Share| part(share, fresh::candidates(&ask(share.most), pulse));
    let shelf = Part {
        candidates: content::candidates(&ask(1.0)),
        quota: 0,
    };
    let popular = |share: &Share| part(share, popular::candidates(&ask(share.most), pulse));
    let mut parts = match asker {
        Asker::Anonymous => vec![shelf, fresh(&FRESH_FOR_ALL), popular(&POPULAR_FOR_ALL)],
        Asker::Known(known) => vec![
            Part {
                candidates: found("cf", cf::candidates(&ask(1.0), &known.factor))?,
                quota: 0,
            },
            part(
                &shares.neighbours,
                neighbours::candidates(&ask(shares.neighbours.most), &known.finds),
            ),
            part(
                &shares.near,
                found("near", near::candidates(&ask(shares.near.most), &known.past))?,
            ),
            fresh(&shares.fresh),
            popular(&shares.popular),
            shelf,
        ],
    };
    // The first has whatever the others leave.
    let others: usize = parts
        .iter()
        .skip(1)
        .map(|part| part.quota.min(part.candidates.len()))
        .sum();
    if let Some(first) = parts.first_mut() {
        first.quota = size.saturating_sub(others);
    }
    Ok(Selection {
        candidates: blend(&parts, size),
        missing,
    })
}

/// What a block says beside its candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label<'a> {
    /// Unix milliseconds.
    pub now_ms: i64,
    /// When it ends, Unix milliseconds.
    pub expires_at_ms: i64,
    /// Arm of the experiment that it was made by.
    pub arm: Option<&'a str>,
}

/// The bytes of the block of these candidates, in their order, inside every bound that a device holds a block to.
///
/// # Errors
/// Those of [`Texts::seal`], if a candidate breaks a bound of the block; loading a catalogue rules that out.
pub fn block(stock: &Stock<'_>, candidates: &[Candidate], label: Label<'_>) -> Result<Vec<u8>, Error> {
    let catalogue = stock.catalogue;
    let (columns, texts) = columns(stock, candidates);
    let columns = BlockMessage {
        expires_at_ms: label.expires_at_ms,
        removed: stock.removed_since(label.now_ms.saturating_sub(REMOVED_MS)),
        arm: label.arm.unwrap_or_default().to_owned(),
        ..columns
    };
    texts.seal(&columns, &catalogue.bundle_id, catalogue.dims())
}

/// Columns of the candidates that are there, and their texts, which stay where they are.
fn columns<'a>(stock: &'a Stock<'_>, candidates: &[Candidate]) -> (BlockMessage, Texts<'a>) {
    let catalogue = stock.catalogue;
    // Rows lie anywhere in tables that no cache holds: all are asked for before the first is waited for.
    for row in candidates
        .iter()
        .map(|candidate| candidate.row as usize)
        .filter(|row| *row < catalogue.videos.len())
    {
        catalogue.videos.expect(row);
        catalogue.vectors.expect(row);
        catalogue.factors.expect(row);
    }
    for candidate in candidates {
        catalogue.videos.expect_texts(candidate.row as usize);
    }
    // A candidate whose row is gone cannot be: sources offer what is there in the same snapshot.
    let (candidates, views): (Vec<&Candidate>, Vec<VideoView<'_>>) = candidates
        .iter()
        .filter_map(|candidate| Some((candidate, stock.view(candidate.row as usize)?)))
        .unzip();
    let mut words = Dictionary::new(&catalogue.videos);
    let mut tags = Vec::with_capacity(views.iter().map(|view| view.tags.len()).sum());
    for view in &views {
        tags.extend(view.tags.iter().map(|tag| words.reference(tag)));
    }
    let mut regions = Vec::new();
    for view in &views {
        regions.extend(view.regions.iter().map(|region| words.reference(region)));
    }
    let some = |column: Vec<u32>| {
        if column.iter().all(|value| *value == 0) {
            Vec::new()
        } else {
            column
        }
    };
    let factor = |view: &VideoView<'_>| view.figures.map(|row| catalogue.factors.row(row));
    let width = catalogue.factors.dim();
    let mut vectors = Vec::with_capacity(views.len() * catalogue.vectors.dim());
    let mut factors = Vec::with_capacity(views.len() * width);
    for view in &views {
        vectors.extend_from_slice(cast_slice(view.vector.values));
        match factor(view) {
            Some(row) => factors.extend_from_slice(cast_slice(row.values)),
            None => factors.resize(factors.len() + width, 0),
        }
    }
    let rows: Vec<Option<&Row>> = (views.iter()).map(|view| catalogue.videos.get(view.figures?)).collect();
    let figure = |of: fn(&Row) -> f32| -> Vec<f32> { rows.iter().map(|row| row.map_or(0.0, of)).collect() };
    let columns = BlockMessage {
        version: BLOCK_VERSION,
        bundle_id: catalogue.bundle_id.clone(),
        vector_dim: catalogue.vectors.dim() as u32,
        vectors,
        vector_scales: views.iter().map(|view| view.vector.scale).collect(),
        factor_dim: width as u32,
        factors,
        factor_scales: views
            .iter()
            .map(|view| factor(view).map_or(0.0, |row| row.scale))
            .collect(),
        sources: candidates.iter().map(|candidate| candidate.sources).collect(),
        server_scores: candidates.iter().map(|candidate| candidate.score).collect(),
        priors: figure(|row| row.prior),
        effects: figure(|row| row.effect),
        log_popularity: figure(|row| row.log_popularity),
        length_seconds: views.iter().map(|view| view.length_seconds).collect(),
        published_at_ms: views.iter().map(|view| view.published_at_ms).collect(),
        languages: views.iter().map(|view| words.reference(view.language)).collect(),
        ratings: views.iter().map(|view| words.reference(view.rating)).collect(),
        channels: views.iter().map(|view| words.reference(view.channel)).collect(),
        tag_counts: views.iter().map(|view| view.tags.len() as u32).collect(),
        tags,
        region_counts: some(views.iter().map(|view| view.regions.len() as u32).collect()),
        regions,
        contents: some(
            (views.iter())
                .map(|view| words.reference(Word::Text(view.content)))
                .collect(),
        ),
        ..BlockMessage::default()
    };
    let texts = Texts {
        ids: views.iter().map(|view| view.id).collect(),
        titles: told(views.iter().map(|view| view.title)),
        thumbnails: told(views.iter().map(|view| view.thumbnail)),
        dictionary: words.words,
    };
    (columns, texts)
}

/// A column of texts; none at all when all are empty.
fn told<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Vec<&'a str> {
    if texts.clone().all(str::is_empty) {
        return Vec::new();
    }
    texts.collect()
}

/// The block's own dictionary: words in the order of their first use.
struct Dictionary<'a> {
    videos: &'a Videos,
    /// References of terms of the bundle's table: most words are looked up by number.
    terms: RowMap<u32>,
    // Looked up, never listed: words are numbered as they come.
    texts: HashMap<&'a str, u32>,
    words: Vec<&'a str>,
}

impl<'a> Dictionary<'a> {
    fn new(videos: &'a Videos) -> Dictionary<'a> {
        Dictionary {
            videos,
            terms: RowMap::default(),
            texts: HashMap::new(),
            words: Vec::new(),
        }
    }

    /// `1 + index` of a word; 0 for unknown.
    fn reference(&mut self, word: Word<'a>) -> u32 {
        match word {
            Word::Term(0) | Word::Text("") => 0,
            Word::Term(term) => match self.terms.get(&term) {
                Some(reference) => *reference,
                None => {
                    let reference = self.videos.term(term).map_or(0, |text| self.of_text(text));
                    self.terms.insert(term, reference);
                    reference
                }
            },
            Word::Text(text) => self.of_text(text),
        }
    }

    fn of_text(&mut self, text: &'a str) -> u32 {
        *self.texts.entry(text).or_insert_with(|| {
            self.words.push(text);
            self.words.len() as u32
        })
    }
}
