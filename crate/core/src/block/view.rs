//! Reading a verified block, row by row. A row outside answers unknown.

use super::Block;
use crate::QuantRow;
use crate::signal::Candidate;

impl Block {
    /// Id of the bundle that made the vectors.
    #[must_use]
    pub fn bundle_id(&self) -> &str {
        &self.message.bundle_id
    }

    /// Unix milliseconds from which it must not be used.
    #[must_use]
    pub fn expires_at_ms(&self) -> i64 {
        self.message.expires_at_ms
    }

    /// Arm of the experiment that the block was made by, where the account is in one.
    #[must_use]
    pub fn arm(&self) -> Option<&str> {
        Some(self.message.arm.as_str()).filter(|arm| !arm.is_empty())
    }

    /// Id of the video in `row`; empty for a row outside.
    #[must_use]
    pub fn id(&self, row: usize) -> &str {
        self.message.ids.get(row).map_or("", String::as_str)
    }

    /// Row of the video with this id.
    #[must_use]
    pub fn row_of(&self, id: &str) -> Option<usize> {
        let at = self.by_id.binary_search_by(|row| self.id(*row as usize).cmp(id)).ok()?;
        Some(self.by_id[at] as usize)
    }

    /// The place of each row in the order of ids.
    #[must_use]
    pub fn ranks(&self) -> Vec<u32> {
        let mut ranks = vec![0; self.by_id.len()];
        for (rank, row) in self.by_id.iter().enumerate() {
            ranks[*row as usize] = rank as u32;
        }
        ranks
    }

    /// Whether the video with this id was taken down: nothing of it is shown any more.
    #[must_use]
    pub fn is_removed(&self, id: &str) -> bool {
        let ids = &self.message.removed;
        ids.binary_search_by(|removed| removed.as_str().cmp(id)).is_ok()
    }

    /// Ids of all videos that were taken down, rising.
    #[must_use]
    pub fn removed(&self) -> &[String] {
        &self.message.removed
    }

    /// Item vector.
    #[must_use]
    pub fn vector(&self, row: usize) -> Option<QuantRow<'_>> {
        quant_row(&self.vectors, &self.message.vector_scales, self.message.vector_dim, row)
    }

    /// Item factor, where the block has factors.
    #[must_use]
    pub fn factor(&self, row: usize) -> Option<QuantRow<'_>> {
        quant_row(&self.factors, &self.message.factor_scales, self.message.factor_dim, row)
    }

    /// Bits of `source`.
    #[must_use]
    pub fn sources(&self, row: usize) -> u32 {
        self.message.sources.get(row).copied().unwrap_or(0)
    }

    /// Score of the server's pruning stage.
    #[must_use]
    pub fn server_score(&self, row: usize) -> f32 {
        self.message.server_scores.get(row).copied().unwrap_or(0.0)
    }

    /// What the ranker's signals read of the video in `row`.
    #[must_use]
    pub fn candidate(&self, row: usize) -> Option<Candidate<'_>> {
        Some(Candidate {
            vector: self.vector(row)?,
            factor: self.factor(row),
            prior: self.prior(row),
            effect: self.effect(row),
            trend: self.log_popularity(row),
            length_seconds: self.length_seconds(row),
            published_at_ms: self.published_at_ms(row),
        })
    }

    /// [`video_effect`](crate::feature::video_effect).
    #[must_use]
    pub fn effect(&self, row: usize) -> f32 {
        self.message.effects.get(row).copied().unwrap_or(0.0)
    }

    /// [`video_prior`](crate::feature::video_prior).
    #[must_use]
    pub fn prior(&self, row: usize) -> f32 {
        self.message.priors.get(row).copied().unwrap_or(0.0)
    }

    /// `log1p` of relevant impressions of late, as of the bundle.
    #[must_use]
    pub fn log_popularity(&self, row: usize) -> f32 {
        self.message.log_popularity.get(row).copied().unwrap_or(0.0)
    }

    /// Length in seconds, where known.
    #[must_use]
    pub fn length_seconds(&self, row: usize) -> Option<f32> {
        self.message.length_seconds.get(row).copied().filter(|s| *s >= 0.0)
    }

    /// Instant of publication in Unix milliseconds, where known.
    #[must_use]
    pub fn published_at_ms(&self, row: usize) -> Option<i64> {
        self.message
            .published_at_ms
            .get(row)
            .copied()
            .filter(|ms| *ms != i64::MIN)
    }

    /// Language, where known.
    #[must_use]
    pub fn language(&self, row: usize) -> Option<&str> {
        self.word(*self.message.languages.get(row)?)
    }

    /// Age rating, where known.
    #[must_use]
    pub fn rating(&self, row: usize) -> Option<&str> {
        self.word(*self.message.ratings.get(row)?)
    }

    /// Channel, where known.
    #[must_use]
    pub fn channel(&self, row: usize) -> Option<&str> {
        self.word(*self.message.channels.get(row)?)
    }

    /// Tags, none where unknown.
    pub fn tags(&self, row: usize) -> impl Iterator<Item = &str> {
        self.words(&self.message.tags, &self.tag_starts, row)
    }

    /// Regions where the video may be shown; none: everywhere.
    pub fn regions(&self, row: usize) -> impl Iterator<Item = &str> {
        self.words(&self.message.regions, &self.region_starts, row)
    }

    /// Content hash, where known: a text that videos share which are the same to look at.
    #[must_use]
    pub fn content(&self, row: usize) -> Option<&str> {
        self.word(*self.message.contents.get(row)?)
    }

    /// Title, where the block has titles.
    #[must_use]
    pub fn title(&self, row: usize) -> Option<&str> {
        self.message
            .titles
            .get(row)
            .map(String::as_str)
            .filter(|t| !t.is_empty())
    }

    /// Address of the thumbnail, where the block has thumbnails.
    #[must_use]
    pub fn thumbnail(&self, row: usize) -> Option<&str> {
        self.message
            .thumbnails
            .get(row)
            .map(String::as_str)
            .filter(|t| !t.is_empty())
    }

    /// Strings of a row's part of a list; `starts` are verified against it.
    fn words<'a>(&'a self, all: &'a [u32], starts: &[usize], row: usize) -> impl Iterator<Item = &'a str> + use<'a> {
        let range = match starts.get(row..).and_then(<[usize]>::first_chunk::<2>) {
            Some([from, to]) => *from..*to,
            None => 0..0,
        };
        all[range].iter().filter_map(|index| self.word(*index))
    }

    /// The dictionary's string of `1 + index`.
    fn word(&self, reference: u32) -> Option<&str> {
        let index = (reference as usize).checked_sub(1)?;
        self.message.dictionary.get(index).map(String::as_str)
    }
}

fn quant_row<'a>(values: &'a [i8], scales: &[f32], dim: u32, row: usize) -> Option<QuantRow<'a>> {
    let dim = dim as usize;
    let scale = *scales.get(row)?;
    let values = values.get(row * dim..(row + 1) * dim)?;
    Some(QuantRow { scale, values })
}
