//! All videos that there are now, by row: the bundle's first, then those that arrived since.

use std::sync::Arc;

use upnext_core::QuantRow;
use upnext_core::block::MAX_REMOVED;

use crate::catalogue::Catalogue;
use crate::edition::{Added, Changes, Visible};
use crate::vector_index::{Hit, SearchError, VectorIndex, inner_product};

/// Most tags of a video that travel, in table order: keeps 500 candidates under 100 KB.
pub const TAGS_SENT: usize = 16;

/// A snapshot of the videos.
#[derive(Debug, Clone)]
pub struct Stock<'a> {
    /// The bundle.
    pub catalogue: &'a Catalogue,
    /// What happened since.
    pub changes: Arc<Changes>,
}

/// A text that many videos have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word<'a> {
    /// Term of the bundle's table; 0: unknown.
    Term(u32),
    /// Of a video that arrived since; empty: unknown.
    Text(&'a str),
}

/// A list of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words<'a> {
    /// Terms of the bundle's table.
    Terms(&'a [u32]),
    /// Of a video that arrived since.
    Texts(&'a [String]),
}

impl<'a> Words<'a> {
    /// How many there are.
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            Words::Terms(terms) => terms.len(),
            Words::Texts(texts) => texts.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = Word<'a>> {
        let (terms, texts) = match self {
            Words::Terms(terms) => (terms, &[][..]),
            Words::Texts(texts) => (&[][..], texts),
        };
        let texts = texts.iter().map(|text| Word::Text(text));
        terms.iter().map(|term| Word::Term(*term)).chain(texts)
    }
}

/// A video, whatever it comes from. Empty, negative and `i64::MIN` are unknown, as in a block.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoView<'a> {
    /// Id.
    pub id: &'a str,
    /// Title.
    pub title: &'a str,
    /// Address of a thumbnail.
    pub thumbnail: &'a str,
    /// Seconds.
    pub length_seconds: f32,
    /// Unix milliseconds.
    pub published_at_ms: i64,
    /// Language.
    pub language: Word<'a>,
    /// Age rating.
    pub rating: Word<'a>,
    /// Channel.
    pub channel: Word<'a>,
    /// Tags, at most [`TAGS_SENT`].
    pub tags: Words<'a>,
    /// Regions where it may be shown; none: everywhere.
    pub regions: Words<'a>,
    /// Content hash as it travels; empty: unknown.
    pub content: &'a str,
    /// Item vector.
    pub vector: QuantRow<'a>,
    /// Row of the bundle's figures and factor; `None` for a video that is new to it.
    pub figures: Option<usize>,
}

impl<'a> Stock<'a> {
    /// A bundle with these changes.
    #[must_use]
    pub fn new(catalogue: &'a Catalogue, changes: Arc<Changes>) -> Stock<'a> {
        Stock { catalogue, changes }
    }

    /// First row that no video has.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.catalogue.videos.len() + self.changes.added.len()
    }

    /// The video that arrived since the bundle and has this row.
    #[must_use]
    pub fn added(&self, row: usize) -> Option<&Added> {
        let entry = row.checked_sub(self.catalogue.videos.len())?;
        self.changes.added.get(entry)?.as_deref()
    }

    /// Rows of the videos that arrived since the bundle and are still there.
    pub fn added_rows(&self) -> impl Iterator<Item = (usize, &Added)> {
        let first = self.catalogue.videos.len();
        let entries = self.changes.added.iter().enumerate();
        entries.filter_map(move |(entry, added)| Some((first + entry, added.as_deref()?)))
    }

    /// Row of the video with this id, unless it was taken down.
    #[must_use]
    pub fn row_of(&self, id: &str) -> Option<usize> {
        let videos = &self.catalogue.videos;
        match self.changes.entry_of(id) {
            Some(entry) => Some(videos.len() + entry),
            None => videos.row_of(id).filter(|row| self.changes.untouched.contains(*row)),
        }
    }

    /// The row that the bundle's video of this row has now; `None` where it was taken down.
    #[must_use]
    pub fn current(&self, row: usize) -> Option<usize> {
        if self.changes.untouched.contains(row) {
            return Some(row);
        }
        self.row_of(self.catalogue.videos.get(row).map(|_| self.catalogue.videos.id(row))?)
    }

    /// All rows that may be shown.
    #[must_use]
    pub fn visible(&self) -> &Visible {
        &self.changes.visible
    }

    /// Row of the bundle that holds the figures and the factor of this row.
    #[must_use]
    pub fn figures(&self, row: usize) -> Option<usize> {
        if row < self.catalogue.videos.len() {
            return Some(row);
        }
        self.added(row)?.replaces
    }

    /// Id of a row that may be shown; empty for another.
    #[must_use]
    pub fn id(&self, row: usize) -> &str {
        match row < self.catalogue.videos.len() {
            true => self.catalogue.videos.id(row),
            false => self.added(row).map_or("", |added| &added.id),
        }
    }

    /// Length in seconds, where it is known.
    #[must_use]
    pub fn length_seconds(&self, row: usize) -> Option<f32> {
        match self.added(row) {
            Some(added) => added.video.length_seconds,
            None => self.catalogue.videos.length_seconds(row),
        }
    }

    /// Language of a row, where it is known.
    #[must_use]
    pub fn language(&self, row: usize) -> Option<&str> {
        match self.added(row) {
            Some(added) => added.video.language.as_deref(),
            None => {
                let videos = &self.catalogue.videos;
                videos.term(videos.get(row)?.language)
            }
        }
    }

    /// When it was published, Unix milliseconds, where that is known.
    #[must_use]
    pub fn published_at_ms(&self, row: usize) -> Option<i64> {
        match self.added(row) {
            Some(added) => Some(added.published_at_ms()),
            None => {
                let at = self.catalogue.videos.get(row)?.published_at_ms;
                (at != i64::MIN).then_some(at)
            }
        }
    }

    /// The item vector of a row in f32.
    #[must_use]
    pub fn vector(&self, row: usize) -> Option<&[f32]> {
        match self.added(row) {
            Some(added) => Some(&added.vector),
            None => self.catalogue.vector_index.row(row),
        }
    }

    /// The item factor of a row as the device gets it; `None` where it has none.
    #[must_use]
    pub fn factor(&self, row: usize) -> Option<QuantRow<'_>> {
        let row = self.figures(row)?;
        self.catalogue
            .warm
            .contains(row)
            .then(|| self.catalogue.factors.row(row))
    }

    /// Everything that a block says of a row that may be shown.
    #[must_use]
    pub fn view(&self, row: usize) -> Option<VideoView<'_>> {
        let videos = &self.catalogue.videos;
        if let Some(told) = videos.get(row) {
            return Some(VideoView {
                id: videos.id(row),
                title: videos.title(told),
                thumbnail: videos.thumbnail(told),
                length_seconds: told.length_seconds,
                published_at_ms: told.published_at_ms,
                language: Word::Term(told.language),
                rating: Word::Term(told.rating),
                channel: Word::Term(told.channel),
                tags: Words::Terms(videos.tags(told)),
                regions: Words::Terms(videos.regions(told)),
                content: videos.content(told),
                vector: self.catalogue.vectors.row(row),
                figures: Some(row),
            });
        }
        let added = self.added(row)?;
        let video = &added.video;
        Some(VideoView {
            id: &added.id,
            title: video.title.as_deref().unwrap_or_default(),
            thumbnail: video.thumbnail.as_deref().unwrap_or_default(),
            length_seconds: video.length_seconds.unwrap_or(-1.0),
            published_at_ms: added.published_at_ms(),
            language: Word::Text(video.language.as_deref().unwrap_or_default()),
            rating: Word::Text(video.rating.as_deref().unwrap_or_default()),
            channel: Word::Text(video.channel.as_deref().unwrap_or_default()),
            tags: Words::Texts(&video.tags[..video.tags.len().min(TAGS_SENT)]),
            regions: Words::Texts(&video.regions),
            content: &added.content,
            vector: added.quantised(),
            figures: added.replaces,
        })
    }

    /// Ids of videos that were taken down at or after `since_ms`, rising; the latest where they are too many.
    #[must_use]
    pub fn removed_since(&self, since_ms: i64) -> Vec<String> {
        let removed = self.changes.removed.iter().filter(|(_, at)| **at >= since_ms);
        let mut removed: Vec<(&String, i64)> = removed.map(|(id, at)| (id, *at)).collect();
        if removed.len() > MAX_REMOVED {
            removed.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
            removed.truncate(MAX_REMOVED);
            removed.sort();
        }
        removed.into_iter().map(|(id, _)| id.clone()).collect()
    }

    /// The `k` allowed rows with the largest inner product of factor and query, best first, ties by row.
    ///
    /// # Errors
    /// Those of [`VectorIndex::search`].
    pub fn nearest_factors(&self, query: &[f32], k: usize, allowed: &Visible) -> Result<Vec<Hit>, SearchError> {
        let index = &self.catalogue.factor_index;
        let mut hits = index.search(query, k, Some(allowed.with_factor()))?;
        for (row, added) in self.added_rows().filter(|(row, _)| allowed.contains(*row)) {
            let warm = added.replaces.filter(|row| self.catalogue.warm.contains(*row));
            if let Some(values) = warm.and_then(|row| index.row(row)) {
                hits.push(Hit {
                    row: row as u32,
                    score: inner_product(query, values),
                });
            }
        }
        Ok(best(hits, k))
    }

    /// The `k` allowed rows with the largest inner product of item vector and query, best first, ties by row.
    ///
    /// # Errors
    /// Those of [`VectorIndex::search`].
    pub fn nearest_vectors(&self, query: &[f32], k: usize, allowed: &Visible) -> Result<Vec<Hit>, SearchError> {
        let mut hits = self.catalogue.vector_index.search(query, k, Some(allowed.rows()))?;
        for (row, added) in self.added_rows().filter(|(row, _)| allowed.contains(*row)) {
            hits.push(Hit {
                row: row as u32,
                score: inner_product(query, &added.vector),
            });
        }
        Ok(best(hits, k))
    }
}

fn best(mut hits: Vec<Hit>, k: usize) -> Vec<Hit> {
    hits.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
    hits.truncate(k);
    hits
}
