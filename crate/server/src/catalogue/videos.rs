//! The video table in rows, as a block needs it.

use std::collections::HashMap;

use upnext_core::block::{MAX_ID_BYTES, MAX_REGIONS, MAX_TEXT_BYTES};
use upnext_core::hash::hash64;
use upnext_core::{Error, ErrorKind};

use super::id_table::IdTable;
use super::table::{Table, Texts};
use crate::error::StartError;
use crate::file_bytes::FileBytes;
use crate::prefetch::prefetch;
use crate::stock::TAGS_SENT;

const FILE: &str = "server/videos.parquet";

/// The video table. What a block says of a video lies together, not column by column: a request looks at some hundred rows of a
/// million, and each look at memory that no cache has costs as much as a hundred products.
///
/// Texts that repeat are `1 + index` into [`Videos::term`]; 0 is unknown.
#[derive(Debug, Clone)]
pub struct Videos {
    rows: Vec<Row>,
    /// Id, title, thumbnail and content hash of each row, one after another.
    texts: String,
    /// Terms of the tags of each row, then of its regions.
    lists: Vec<u32>,
    by_id: IdTable,
    /// Rows with a date of publication, the latest first.
    newest: Vec<u32>,
    terms: Vec<String>,
}

/// The same table, by whatever keys its ids are looked up.
impl PartialEq for Videos {
    fn eq(&self, other: &Videos) -> bool {
        self.rows == other.rows
            && self.texts == other.texts
            && self.lists == other.lists
            && self.newest == other.newest
            && self.terms == other.terms
    }
}

/// A row of the table: its numbers, and where its texts and lists lie. One line of a processor's cache.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
pub struct Row {
    /// Unix milliseconds; `i64::MIN` where unknown.
    pub published_at_ms: i64,
    /// Seconds; −1 where unknown.
    pub length_seconds: f32,
    /// Log-odds of relevance of its watches before the train window, against its length's.
    pub prior: f32,
    /// Log ratio of relevant to expected impressions in the train window.
    pub effect: f32,
    /// `log1p` of relevant events.
    pub log_popularity: f32,
    /// Term of the language.
    pub language: u32,
    /// Term of the rating.
    pub rating: u32,
    /// Term of the channel.
    pub channel: u32,
    /// Where its lists begin.
    list: u32,
    /// Where its texts begin.
    text: u64,
    /// Bytes of id, title, thumbnail and content hash.
    bytes: [u16; 4],
    /// Number of tags and of regions.
    listed: [u16; 2],
}

/// Places of [`Row::bytes`].
const ID: usize = 0;
const TITLE: usize = 1;
const THUMBNAIL: usize = 2;
const CONTENT: usize = 3;

/// The text's first `most` bytes, cut between characters: what a block has room for.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
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

/// Gives each distinct text a number from 1.
#[derive(Default)]
struct Terms {
    // Looked up, never listed: terms are numbered as they come.
    numbers: HashMap<String, u32>,
    texts: Vec<String>,
}

impl Terms {
    fn number(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text else { return 0 };
        let text = cut(text, MAX_ID_BYTES);
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        self.texts.push(text.to_owned());
        let number = self.texts.len() as u32;
        self.numbers.insert(text.to_owned(), number);
        number
    }

    fn column(&mut self, rows: usize, texts: &Texts) -> Vec<u32> {
        (0..rows).map(|row| self.number(texts.get(row))).collect()
    }
}

impl Videos {
    /// Reads `videos.parquet`.
    ///
    /// # Errors
    /// [`StartError::TableEmpty`], [`StartError::ColumnMissing`], and the bundle errors of unreadable,
    /// contradictory or non-finite content.
    pub fn from_parquet(bytes: FileBytes) -> Result<Videos, StartError> {
        let table = Table::read(FILE, bytes)?;
        if table.rows() == 0 {
            return Err(StartError::TableEmpty { file: FILE.to_owned() });
        }
        let ids = table.ids("id")?;
        let (by_id, twice) = IdTable::new(ids.len(), |row| ids.text(row));
        if twice > 0 {
            return Err(Error::from(ErrorKind::BundleInconsistent {
                what: format!("distinct ids of {FILE}"),
                expected: ids.len().to_string(),
                found: (ids.len() - twice).to_string(),
            })
            .into());
        }
        let count = ids.len();
        let mut terms = Terms::default();
        let tags = table.text_lists("tags")?;
        let regions = table.text_lists("regions")?;
        let titles = table.texts("title")?;
        let thumbnails = table.texts("thumbnail")?;
        let contents = table.texts("content_hash")?;
        let published = table.instants("published_at")?;
        let lengths = table.optional_numbers("length_seconds")?;
        let languages = terms.column(count, &table.texts("language")?);
        let ratings = terms.column(count, &table.texts("rating")?);
        let channels = terms.column(count, &table.texts("channel")?);
        let (priors, effects) = (table.numbers("prior")?, table.numbers("effect")?);
        let log_popularity = table.numbers("log_popularity")?;
        drop(table);

        let mut texts = String::new();
        let mut lists = Vec::new();
        let rows: Vec<Row> = (0..count)
            .map(|row| {
                let text = texts.len() as u64;
                let hash = content(contents.get(row));
                let title = cut(titles.get(row).unwrap_or_default(), MAX_TEXT_BYTES);
                let thumbnail = cut(thumbnails.get(row).unwrap_or_default(), MAX_TEXT_BYTES);
                let own = [ids.text(row), title, thumbnail, &hash];
                own.iter().for_each(|text| texts.push_str(text));
                let list = lists.len();
                lists.extend(tags.get(row).take(TAGS_SENT).map(|tag| terms.number(Some(tag))));
                let tagged = lists.len() - list;
                lists.extend(
                    regions
                        .get(row)
                        .take(MAX_REGIONS)
                        .map(|region| terms.number(Some(region))),
                );
                Row {
                    published_at_ms: published[row].unwrap_or(i64::MIN),
                    length_seconds: lengths[row].filter(|seconds| *seconds > 0.0).unwrap_or(-1.0),
                    prior: priors[row],
                    effect: effects[row],
                    log_popularity: log_popularity[row],
                    language: languages[row],
                    rating: ratings[row],
                    channel: channels[row],
                    list: list as u32,
                    text,
                    // Ids and texts are cut to bounds of a block, which are far below 2¹⁶.
                    bytes: own.map(|text| text.len() as u16),
                    listed: [tagged as u16, (lists.len() - list - tagged) as u16],
                }
            })
            .collect();
        let mut newest: Vec<u32> = (0..rows.len() as u32)
            .filter(|row| rows[*row as usize].published_at_ms != i64::MIN)
            .collect();
        newest.sort_by_key(|row| std::cmp::Reverse(rows[*row as usize].published_at_ms));
        texts.shrink_to_fit();
        lists.shrink_to_fit();
        Ok(Videos {
            rows,
            texts,
            lists,
            by_id,
            newest,
            terms: terms.texts,
        })
    }

    /// Number of videos.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none; a loaded table has at least one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The numbers of a row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&Row> {
        self.rows.get(row)
    }

    /// Begins to bring the numbers of a row near.
    pub fn expect(&self, row: usize) {
        prefetch(self.rows.get(row..=row).unwrap_or_default());
    }

    /// Begins to bring its texts and lists near.
    pub fn expect_texts(&self, row: usize) {
        let Some(row) = self.rows.get(row) else { return };
        let bytes = row.bytes.iter().map(|bytes| usize::from(*bytes)).sum::<usize>();
        let start = row.text as usize;
        prefetch(self.texts.as_bytes().get(start..start + bytes).unwrap_or_default());
        prefetch(self.tags(row));
    }

    /// Ids of all rows.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|row| self.text(row, ID))
    }

    fn text(&self, row: &Row, which: usize) -> &str {
        let start = row.text as usize
            + row.bytes[..which]
                .iter()
                .map(|bytes| usize::from(*bytes))
                .sum::<usize>();
        let end = start + usize::from(row.bytes[which]);
        self.texts.get(start..end).unwrap_or_default()
    }

    /// Id of a row; empty for none.
    #[must_use]
    pub fn id(&self, row: usize) -> &str {
        self.rows.get(row).map_or("", |row| self.text(row, ID))
    }

    /// Title of a row, empty where unknown.
    #[must_use]
    pub fn title(&self, row: &Row) -> &str {
        self.text(row, TITLE)
    }

    /// Thumbnail address of a row, empty where unknown.
    #[must_use]
    pub fn thumbnail(&self, row: &Row) -> &str {
        self.text(row, THUMBNAIL)
    }

    /// Content hash of a row as a block has it, empty where unknown.
    #[must_use]
    pub fn content(&self, row: &Row) -> &str {
        self.text(row, CONTENT)
    }

    /// Rows with a known date of publication, the latest first.
    #[must_use]
    pub fn newest(&self) -> &[u32] {
        &self.newest
    }

    /// Row of the video with this id.
    #[must_use]
    pub fn row_of(&self, id: &str) -> Option<usize> {
        self.by_id.row(id, |row| self.id(row))
    }

    /// Length in seconds, where it is known.
    #[must_use]
    pub fn length_seconds(&self, row: usize) -> Option<f32> {
        let length = self.rows.get(row)?.length_seconds;
        (length > 0.0).then_some(length)
    }

    /// Tag terms of a row.
    #[must_use]
    pub fn tags(&self, row: &Row) -> &[u32] {
        let start = row.list as usize;
        &self.lists[start..start + usize::from(row.listed[0])]
    }

    /// Terms of the regions where a video may be shown; none: everywhere.
    #[must_use]
    pub fn regions(&self, row: &Row) -> &[u32] {
        let start = row.list as usize + usize::from(row.listed[0]);
        &self.lists[start..start + usize::from(row.listed[1])]
    }

    /// The text of a term; `None` for 0.
    #[must_use]
    pub fn term(&self, number: u32) -> Option<&str> {
        self.terms.get((number as usize).checked_sub(1)?).map(String::as_str)
    }
}
