//! A bundle and what happened to its videos since: those that arrived and those that were taken down.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use upnext_core::feature::VideoFeatures;
use upnext_core::filter::least_age;
use upnext_core::{Error, QuantRow, quantize};

use crate::catalogue::{Catalogue, content};
use crate::stock::{Stock, TAGS_SENT};
use crate::store::video::VideoRow;
use crate::vector_index::RowSet;
use crate::video::VideoInput;

/// Whom a server serves, as far as that bounds what it may show.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Audience {
    /// Region (ISO 3166): of videos that say where they may be shown, those of this region; `None`: all.
    pub region: Option<String>,
    /// Age in years: of videos whose rating asks for an age, those that it allows; `None`: all.
    pub age: Option<f32>,
}

impl Audience {
    /// Whether a video of these regions and this rating may be shown: those of no region are shown everywhere, and a
    /// rating that asks for no age, or is not known, allows everybody, as on a device ([`least_age`]).
    #[must_use]
    pub fn admits(&self, regions: &[impl AsRef<str>], rating: Option<&str>) -> bool {
        let there = self.region.as_ref().is_none_or(|region| {
            regions.is_empty() || regions.iter().any(|shown| shown.as_ref().eq_ignore_ascii_case(region))
        });
        let least = rating.and_then(least_age);
        there && self.age.zip(least).is_none_or(|(age, least)| age >= least)
    }
}

/// A loaded bundle with the changes since.
#[derive(Debug)]
pub struct Edition {
    /// The bundle.
    pub catalogue: Catalogue,
    changes: RwLock<Arc<Changes>>,
}

/// What happened since the bundle. A snapshot: a request sees one from its beginning to its end.
#[derive(Debug, Clone)]
pub struct Changes {
    /// Rows of the bundle that are still as they were, and may be shown to the server's audience.
    pub untouched: RowSet,
    /// All rows that may be shown.
    pub visible: Visible,
    /// Videos that arrived, or replace a row of the bundle; row `catalogue.videos.len() + i` is entry `i`.
    /// `None`: taken down, or replaced by a later entry.
    pub added: Vec<Option<Arc<Added>>>,
    /// Instant at which each video was taken down, Unix milliseconds.
    pub removed: BTreeMap<String, i64>,
    /// Entry of each video that arrived.
    by_id: BTreeMap<String, usize>,
    /// Whom the server serves.
    audience: Audience,
}

/// Rows that may be shown. Sets with fewer share the memory of those that they are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible {
    rows: RowSet,
    /// Those of the bundle's that have a factor.
    with_factor: RowSet,
}

impl Default for Visible {
    fn default() -> Visible {
        let none = RowSet::new(0, |_| false);
        Visible {
            rows: none.clone(),
            with_factor: none,
        }
    }
}

impl Visible {
    /// Whether the row may be shown.
    #[must_use]
    #[inline]
    pub fn contains(&self, row: usize) -> bool {
        self.rows.contains(row)
    }

    /// All of them.
    #[must_use]
    pub fn rows(&self) -> &RowSet {
        &self.rows
    }

    /// Those of the bundle's rows that have a factor.
    #[must_use]
    pub fn with_factor(&self) -> &RowSet {
        &self.with_factor
    }

    /// All but these.
    #[must_use]
    pub fn without(&self, rows: &[usize]) -> Visible {
        Visible {
            rows: self.rows.without(rows.iter().copied()),
            with_factor: self.with_factor.without(rows.iter().copied()),
        }
    }
}

/// A video that arrived since the bundle, with what the bundle makes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Added {
    /// Id.
    pub id: String,
    /// What is known of it.
    pub video: VideoInput,
    /// When it arrived, Unix milliseconds.
    pub at_ms: i64,
    /// Its row in the bundle, where it replaces one.
    pub replaces: Option<usize>,
    /// Item vector.
    pub vector: Vec<f32>,
    /// Content hash as a block has it, empty where unknown.
    pub content: String,
    levels: Vec<i8>,
    scale: f32,
}

impl Added {
    /// The vector as the device gets it.
    #[must_use]
    pub fn quantised(&self) -> QuantRow<'_> {
        QuantRow {
            scale: self.scale,
            values: &self.levels,
        }
    }

    /// When it was published: as it says, else when it arrived. Unix milliseconds.
    #[must_use]
    pub fn published_at_ms(&self) -> i64 {
        self.video.published_at.unwrap_or(self.at_ms)
    }
}

impl Edition {
    /// The bundle with what is known to have happened since, as far as `audience` may be shown it.
    ///
    /// # Errors
    /// Those of the item tower; none for a bundle that was loaded.
    pub fn new(catalogue: Catalogue, since: &[VideoRow], audience: &Audience) -> Result<Edition, Error> {
        let videos = &catalogue.videos;
        let shown = |row: usize| {
            let Some(row) = videos.get(row) else { return false };
            let terms = videos.regions(row).iter();
            let regions: Vec<&str> = terms.filter_map(|term| videos.term(*term)).collect();
            audience.admits(&regions, videos.term(row.rating))
        };
        let mut changes = Changes {
            untouched: RowSet::new(videos.len(), shown),
            visible: Visible::default(),
            added: Vec::new(),
            removed: BTreeMap::new(),
            by_id: BTreeMap::new(),
            audience: audience.clone(),
        };
        for row in since {
            changes.apply(&catalogue, row)?;
        }
        changes.visible = changes.seen(&catalogue);
        Ok(Edition {
            catalogue,
            changes: RwLock::new(Arc::new(changes)),
        })
    }

    /// Obeys a change at once: whoever asks from now on sees it.
    ///
    /// # Errors
    /// Those of the item tower.
    pub fn apply(&self, row: &VideoRow) -> Result<(), Error> {
        let mut next = Changes::clone(&self.changes());
        next.apply(&self.catalogue, row)?;
        next.visible = next.seen(&self.catalogue);
        *self.changes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }

    /// The changes as they are now.
    #[must_use]
    pub fn changes(&self) -> Arc<Changes> {
        Arc::clone(&self.changes.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The videos as they are now.
    #[must_use]
    pub fn stock(&self) -> Stock<'_> {
        Stock::new(&self.catalogue, self.changes())
    }
}

impl Changes {
    fn apply(&mut self, catalogue: &Catalogue, change: &VideoRow) -> Result<(), Error> {
        let in_bundle = catalogue.videos.row_of(&change.id);
        let Some(video) = &change.video else {
            self.withdraw(&change.id, in_bundle);
            self.removed.insert(change.id.clone(), change.at_ms);
            return Ok(());
        };
        // What the bundle was trained on with these very words, it knows better: counts, comments, its id.
        if let Some(row) = in_bundle.filter(|row| says_the_same(catalogue, *row, video)) {
            self.withdraw(&change.id, in_bundle);
            self.removed.remove(&change.id);
            if self.audience.admits(&video.regions, video.rating.as_deref()) {
                self.untouched.insert(row);
            }
            return Ok(());
        }
        let added = encode(catalogue, change, video, in_bundle)?;
        self.withdraw(&change.id, in_bundle);
        self.removed.remove(&change.id);
        if !self.audience.admits(&video.regions, video.rating.as_deref()) {
            return Ok(());
        }
        self.by_id.insert(change.id.clone(), self.added.len());
        self.added.push(Some(Arc::new(added)));
        Ok(())
    }

    /// [`Changes::visible`] of the rest.
    fn seen(&self, catalogue: &Catalogue) -> Visible {
        let first = catalogue.videos.len();
        let entries = self.added.iter().enumerate();
        let added = entries.filter_map(|(entry, added)| added.as_ref().map(|_| first + entry));
        Visible {
            rows: self.untouched.with(first + self.added.len(), added),
            with_factor: self.untouched.and(&catalogue.warm),
        }
    }

    fn withdraw(&mut self, id: &str, in_bundle: Option<usize>) {
        if let Some(row) = in_bundle {
            self.untouched.remove(row);
        }
        if let Some(entry) = self.by_id.remove(id) {
            self.added[entry] = None;
        }
    }

    /// Entry of the video with this id, if it arrived since the bundle.
    #[must_use]
    pub fn entry_of(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }
}

/// Whether the bundle's row says of the video what `video` says.
fn says_the_same(catalogue: &Catalogue, row: usize, video: &VideoInput) -> bool {
    let videos = &catalogue.videos;
    let text = |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(str::to_owned);
    let term = |number: u32| videos.term(number).map(str::to_owned);
    let Some(told) = videos.get(row) else { return false };
    let tags = videos.tags(told).iter().filter_map(|tag| videos.term(*tag));
    let regions = videos.regions(told).iter().filter_map(|region| videos.term(*region));
    text(&video.title).unwrap_or_default() == videos.title(told)
        && text(&video.thumbnail).unwrap_or_default() == videos.thumbnail(told)
        && video.length_seconds == videos.length_seconds(row)
        && text(&video.language) == term(told.language)
        && text(&video.rating) == term(told.rating)
        && text(&video.channel) == term(told.channel)
        && video.published_at.is_none_or(|at_ms| at_ms == told.published_at_ms)
        && tags.eq(video.tags.iter().take(TAGS_SENT).map(String::as_str))
        && regions.eq(video.regions.iter().map(String::as_str))
        && content(text(&video.content_hash).as_deref()) == videos.content(told)
}

fn encode(catalogue: &Catalogue, row: &VideoRow, video: &VideoInput, replaces: Option<usize>) -> Result<Added, Error> {
    let tags: Vec<&str> = video.tags.iter().map(String::as_str).collect();
    let title = catalogue.title(video.title.as_deref());
    let features = VideoFeatures {
        // The tower has learnt nothing by the id of a video that came after the bundle: it goes by its content alone.
        id: if replaces.is_some() { &row.id } else { "" },
        title: video.title.as_deref(),
        title_vector: title.as_deref(),
        tags: &tags,
        length_seconds: video.length_seconds,
        language: video.language.as_deref(),
        rating: video.rating.as_deref(),
        channel: video.channel.as_deref(),
        ..VideoFeatures::default()
    };
    let vector = catalogue
        .item_tower
        .vector(&catalogue.spec, &catalogue.folding, &features)?;
    let mut levels = vec![0; vector.len()];
    let scale = quantize(&vector, &mut levels);
    Ok(Added {
        id: row.id.clone(),
        video: video.clone(),
        at_ms: row.at_ms,
        replaces,
        vector,
        content: content(video.content_hash.as_deref()),
        levels,
        scale,
    })
}
