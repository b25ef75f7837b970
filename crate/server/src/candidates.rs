//! From a declared request to a candidate block: sources → blend → columns.

use std::collections::BTreeMap;

use upnext_core::Error;
use upnext_core::block::{BLOCK_VERSION, Block, BlockMessage, Dims};

use crate::account::Past;
use crate::pulse::Pulse;
use crate::source::{Ask, Candidate, Part, blend, cf, content, fresh, near, neighbours, popular};
use crate::stock::{Stock, VideoView};

/// How far back removed videos are listed, in milliseconds: as long as the longest block can live.
pub const REMOVED_MS: i64 = 7 * 86_400_000;

/// Who asks, as far as the server may know.
#[derive(Debug, Clone, PartialEq)]
pub enum Asker {
    /// Nobody in particular: public shelves.
    Anonymous,
    /// An account, by what is known of it.
    Account(Box<Known>),
}

/// What is known of an account.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// Factor; zeros for an account of which nothing was learnt.
    pub factor: Vec<f32>,
    /// What was written down.
    pub past: Past,
    /// For each neighbour the number of videos that both found relevant, and what it found relevant.
    pub finds: Vec<(usize, Vec<String>)>,
}

/// What a source may fill: its own places, and how much it may bring at most, as shares of the block.
struct Share {
    own: f32,
    most: f32,
}

const NEIGHBOURS: Share = Share { own: 0.1, most: 0.2 };
const NEAR: Share = Share { own: 0.1, most: 0.4 };
/// The exploration budget: nobody's block has more of what nobody knows yet.
const FRESH: Share = Share { own: 0.05, most: 0.05 };
const POPULAR: Share = Share { own: 0.05, most: 0.2 };
/// Newcomers have nothing of their own to go by.
const POPULAR_FOR_ALL: Share = Share { own: 0.2, most: 0.4 };

/// The candidates for a request. For an account: what its factor finds, beside neighbours, what is near its latest
/// videos, fresh and popular ones, each with places of its own; then the shelves as far as there is room. For
/// everybody else the shelves, beside fresh and popular ones.
///
/// # Errors
/// Those of the index; none for a factor of this bundle.
pub fn select(
    stock: &Stock<'_>,
    pulse: &Pulse,
    asker: &Asker,
    languages: &[String],
    size: usize,
    now_ms: i64,
) -> Result<Vec<Candidate>, Error> {
    let mut allowed = stock.visible();
    if let Asker::Account(known) = asker {
        known.past.done.iter().for_each(|row| allowed.remove(*row));
    }
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
    let fresh = part(&FRESH, fresh::candidates(&ask(FRESH.most), pulse));
    let shelf = Part {
        candidates: content::candidates(&ask(1.0)),
        quota: 0,
    };
    let popular = |share: &Share| part(share, popular::candidates(&ask(share.most), pulse));
    let mut parts = match asker {
        Asker::Anonymous => vec![shelf, fresh, popular(&POPULAR_FOR_ALL)],
        Asker::Account(known) => vec![
            Part {
                candidates: cf::candidates(&ask(1.0), &known.factor)?,
                quota: 0,
            },
            part(&NEIGHBOURS, neighbours::candidates(&ask(NEIGHBOURS.most), &known.finds)),
            part(&NEAR, near::candidates(&ask(NEAR.most), &known.past)?),
            fresh,
            popular(&POPULAR),
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
    Ok(blend(&parts, size))
}

/// The block of these candidates, in their order, verified as a device will verify it.
///
/// # Errors
/// Those of [`Block::decode`], if a candidate breaks a bound of the block; loading a catalogue rules that out.
pub fn block(stock: &Stock<'_>, candidates: &[Candidate], now_ms: i64, expires_at_ms: i64) -> Result<Block, Error> {
    let catalogue = stock.catalogue;
    let dims = Dims {
        vector: catalogue.vectors.dim(),
        factor: catalogue.factors.dim(),
    };
    let removed = stock.removed_since(now_ms.saturating_sub(REMOVED_MS));
    let message = BlockMessage {
        expires_at_ms,
        removed,
        ..message(stock, candidates)
    };
    Block::from_message(message, &catalogue.bundle_id, dims)
}

fn message(stock: &Stock<'_>, candidates: &[Candidate]) -> BlockMessage {
    let catalogue = stock.catalogue;
    // A candidate whose row is gone cannot be: sources offer what is there in the same snapshot.
    let (candidates, views): (Vec<&Candidate>, Vec<VideoView<'_>>) = candidates
        .iter()
        .filter_map(|candidate| Some((candidate, stock.view(candidate.row as usize)?)))
        .unzip();
    let mut words = Dictionary::default();
    let mut tags = Vec::new();
    for view in &views {
        tags.extend(view.tags.iter().map(|tag| words.reference(Some(*tag))));
    }
    let factor = |view: &VideoView<'_>| view.figures.map(|row| catalogue.factors.row(row));
    let width = catalogue.factors.dim();
    let factors = views.iter().flat_map(|view| -> Vec<u8> {
        match factor(view) {
            Some(row) => row.values.iter().map(|level| level.cast_unsigned()).collect(),
            None => vec![0; width],
        }
    });
    let figure = |column: &[f32]| -> Vec<f32> {
        let values = views.iter().map(|view| view.figures.map_or(0.0, |row| column[row]));
        values.collect()
    };
    let videos = &catalogue.videos;
    BlockMessage {
        version: BLOCK_VERSION,
        bundle_id: catalogue.bundle_id.clone(),
        ids: views.iter().map(|view| view.id.to_owned()).collect(),
        vector_dim: catalogue.vectors.dim() as u32,
        vectors: views
            .iter()
            .flat_map(|view| view.vector.values)
            .map(|level| level.cast_unsigned())
            .collect(),
        vector_scales: views.iter().map(|view| view.vector.scale).collect(),
        factor_dim: width as u32,
        factors: factors.collect(),
        factor_scales: views
            .iter()
            .map(|view| factor(view).map_or(0.0, |row| row.scale))
            .collect(),
        sources: candidates.iter().map(|candidate| candidate.sources).collect(),
        server_scores: candidates.iter().map(|candidate| candidate.score).collect(),
        priors: figure(&videos.priors),
        effects: figure(&videos.effects),
        log_popularity: figure(&videos.log_popularity),
        length_seconds: views.iter().map(|view| view.length_seconds).collect(),
        published_at_ms: views.iter().map(|view| view.published_at_ms).collect(),
        languages: views.iter().map(|view| words.reference(view.language)).collect(),
        ratings: views.iter().map(|view| words.reference(view.rating)).collect(),
        channels: views.iter().map(|view| words.reference(view.channel)).collect(),
        tag_counts: views.iter().map(|view| view.tags.len() as u32).collect(),
        tags,
        titles: texts(&views, |view| view.title),
        thumbnails: texts(&views, |view| view.thumbnail),
        dictionary: words.words,
        ..BlockMessage::default()
    }
}

/// A column of texts; none at all when all are empty.
fn texts<'a>(views: &'a [VideoView<'a>], text: impl Fn(&'a VideoView<'a>) -> &'a str) -> Vec<String> {
    if views.iter().all(|view| text(view).is_empty()) {
        return Vec::new();
    }
    views.iter().map(|view| text(view).to_owned()).collect()
}

/// The block's own dictionary: words in the order of their first use.
#[derive(Default)]
struct Dictionary<'a> {
    references: BTreeMap<&'a str, u32>,
    words: Vec<String>,
}

impl<'a> Dictionary<'a> {
    /// `1 + index` of a word; 0 for unknown.
    fn reference(&mut self, word: Option<&'a str>) -> u32 {
        let Some(word) = word.filter(|word| !word.is_empty()) else {
            return 0;
        };
        *self.references.entry(word).or_insert_with(|| {
            self.words.push(word.to_owned());
            self.words.len() as u32
        })
    }
}
