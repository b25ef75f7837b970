//! The video table in columns, as a block needs it.

use std::collections::BTreeMap;

use upnext_core::block::{MAX_ID_BYTES, MAX_TEXT_BYTES};
use upnext_core::hash::hash64;
use upnext_core::{Error, ErrorKind};

use super::table::Table;
use crate::error::StartError;
use crate::stock::TAGS_SENT;

const FILE: &str = "server/videos.parquet";

/// Columns of all videos. Texts that repeat are `1 + index` into [`Videos::term`]; 0 is unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct Videos {
    /// Distinct ids.
    pub ids: Vec<String>,
    /// Titles, empty where unknown.
    pub titles: Vec<String>,
    /// Thumbnail addresses, empty where unknown.
    pub thumbnails: Vec<String>,
    /// Seconds; −1 where unknown.
    pub length_seconds: Vec<f32>,
    /// Unix milliseconds; `i64::MIN` where unknown.
    pub published_at_ms: Vec<i64>,
    /// Language terms.
    pub languages: Vec<u32>,
    /// Rating terms.
    pub ratings: Vec<u32>,
    /// Channel terms.
    pub channels: Vec<u32>,
    /// Log-odds of relevance of its watches before the train window, against its length's.
    pub priors: Vec<f32>,
    /// Log ratio of relevant to expected impressions in the train window.
    pub effects: Vec<f32>,
    /// `log1p` of relevant events.
    pub log_popularity: Vec<f32>,
    /// Rows in the order of their ids.
    by_id: Vec<u32>,
    /// Rows with a date of publication, the latest first.
    newest: Vec<u32>,
    tag_terms: Vec<u32>,
    /// Tags of video `i`: `tag_terms[tag_ends[i - 1]..tag_ends[i]]`.
    tag_ends: Vec<usize>,
    /// Content hashes as a block has them, empty where unknown.
    pub contents: Vec<String>,
    region_terms: Vec<u32>,
    /// As for tags.
    region_ends: Vec<usize>,
    terms: Vec<String>,
}

/// The text's first `most` bytes, cut between characters: what a block has room for.
fn cut(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
}

/// A content hash as it travels: 48 bits of a hash of the table's as eight digits of base 64, so that five hundred of them keep a
/// block below 100 KB. Two different ones among 500,000 pairs are alike once in 600 million times. Empty for none.
#[must_use]
pub fn content(text: Option<&str>) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let Some(text) = text else { return String::new() };
    let hash = hash64(0, text.as_bytes());
    (0..8)
        .map(|at| char::from(DIGITS[(hash >> (6 * at)) as usize % 64]))
        .collect()
}

/// Terms of a row in a column of lists.
fn part<'a>(terms: &'a [u32], ends: &[usize], row: usize) -> &'a [u32] {
    let start = row.checked_sub(1).map_or(0, |before| ends[before]);
    &terms[start..ends[row]]
}

/// Gives each distinct text a number from 1.
#[derive(Default)]
struct Terms {
    numbers: BTreeMap<String, u32>,
    texts: Vec<String>,
}

impl Terms {
    fn number(&mut self, text: Option<String>) -> u32 {
        let Some(text) = text else { return 0 };
        let text = cut(text, MAX_ID_BYTES);
        if let Some(number) = self.numbers.get(&text) {
            return *number;
        }
        self.texts.push(text.clone());
        let number = self.texts.len() as u32;
        self.numbers.insert(text, number);
        number
    }

    fn column(&mut self, texts: Vec<Option<String>>) -> Vec<u32> {
        texts.into_iter().map(|text| self.number(text)).collect()
    }
}

impl Videos {
    /// Reads `videos.parquet`.
    ///
    /// # Errors
    /// [`StartError::TableEmpty`], [`StartError::ColumnMissing`], and the bundle errors of unreadable,
    /// contradictory or non-finite content.
    pub fn from_parquet(bytes: Vec<u8>) -> Result<Videos, StartError> {
        let table = Table::read(FILE, bytes)?;
        if table.rows() == 0 {
            return Err(StartError::TableEmpty { file: FILE.to_owned() });
        }
        let ids = table.ids("id")?;
        let mut by_id: Vec<u32> = (0..ids.len() as u32).collect();
        by_id.sort_unstable_by_key(|row| ids[*row as usize].as_str());
        let twice = by_id.windows(2).filter(|w| ids[w[0] as usize] == ids[w[1] as usize]);
        let distinct = ids.len() - twice.count();
        if distinct != ids.len() {
            return Err(Error::from(ErrorKind::BundleInconsistent {
                what: format!("distinct ids of {FILE}"),
                expected: ids.len().to_string(),
                found: distinct.to_string(),
            })
            .into());
        }
        let mut terms = Terms::default();
        let (mut tag_terms, mut tag_ends) = (Vec::new(), Vec::with_capacity(ids.len()));
        for tags in table.text_lists("tags")? {
            tag_terms.extend(tags.into_iter().take(TAGS_SENT).map(|tag| terms.number(Some(tag))));
            tag_ends.push(tag_terms.len());
        }
        let (mut region_terms, mut region_ends) = (Vec::new(), Vec::with_capacity(ids.len()));
        for regions in table.text_lists("regions")? {
            region_terms.extend(regions.into_iter().map(|region| terms.number(Some(region))));
            region_ends.push(region_terms.len());
        }
        let plain = |name| -> Result<Vec<String>, StartError> {
            Ok(table
                .texts(name)?
                .into_iter()
                .map(|text| cut(text.unwrap_or_default(), MAX_TEXT_BYTES))
                .collect())
        };
        let published_at_ms: Vec<i64> = table
            .instants("published_at")?
            .into_iter()
            .map(|at| at.unwrap_or(i64::MIN))
            .collect();
        let mut newest: Vec<u32> = (0..ids.len() as u32)
            .filter(|row| published_at_ms[*row as usize] != i64::MIN)
            .collect();
        newest.sort_by_key(|row| std::cmp::Reverse(published_at_ms[*row as usize]));
        Ok(Videos {
            titles: plain("title")?,
            thumbnails: plain("thumbnail")?,
            length_seconds: table
                .optional_numbers("length_seconds")?
                .into_iter()
                .map(|length| length.filter(|seconds| *seconds > 0.0).unwrap_or(-1.0))
                .collect(),
            published_at_ms,
            newest,
            languages: terms.column(table.texts("language")?),
            ratings: terms.column(table.texts("rating")?),
            channels: terms.column(table.texts("channel")?),
            contents: table
                .texts("content_hash")?
                .iter()
                .map(|text| content(text.as_deref()))
                .collect(),
            priors: table.numbers("prior")?,
            effects: table.numbers("effect")?,
            log_popularity: table.numbers("log_popularity")?,
            by_id,
            tag_terms,
            tag_ends,
            region_terms,
            region_ends,
            terms: terms.texts,
            ids,
        })
    }

    /// Number of videos.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none; a loaded table has at least one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Rows with a known date of publication, the latest first.
    #[must_use]
    pub fn newest(&self) -> &[u32] {
        &self.newest
    }

    /// Row of the video with this id.
    #[must_use]
    pub fn row_of(&self, id: &str) -> Option<usize> {
        let at = self
            .by_id
            .binary_search_by(|row| self.ids[*row as usize].as_str().cmp(id))
            .ok()?;
        Some(self.by_id[at] as usize)
    }

    /// Length in seconds, where it is known.
    #[must_use]
    pub fn length_seconds(&self, row: usize) -> Option<f32> {
        self.length_seconds.get(row).copied().filter(|length| *length > 0.0)
    }

    /// Tag terms of a video.
    #[must_use]
    pub fn tags(&self, row: usize) -> &[u32] {
        part(&self.tag_terms, &self.tag_ends, row)
    }

    /// Terms of the regions where a video may be shown; none: everywhere.
    #[must_use]
    pub fn regions(&self, row: usize) -> &[u32] {
        part(&self.region_terms, &self.region_ends, row)
    }

    /// The text of a term; `None` for 0.
    #[must_use]
    pub fn term(&self, number: u32) -> Option<&str> {
        self.terms.get((number as usize).checked_sub(1)?).map(String::as_str)
    }
}
