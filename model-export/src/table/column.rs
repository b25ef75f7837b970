//! Columns: interned ids, categories and lists.

use std::collections::HashMap;
use std::sync::Arc;

/// The row of nothing: an unknown category, or an event without a video.
pub const NONE: u32 = u32::MAX;

/// Distinct strings in order of first appearance, each with its row.
#[derive(Debug, Clone, Default)]
pub struct Ids {
    names: Vec<Arc<str>>,
    rows: HashMap<Arc<str>, u32>,
}

impl Ids {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// True where there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The string of a row; empty for a row that is not there.
    #[must_use]
    pub fn name(&self, row: u32) -> &str {
        self.names.get(row as usize).map_or("", |name| name)
    }

    /// The row of a string.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<u32> {
        self.rows.get(name).copied()
    }

    /// The row of a string, new or old; the flag tells whether it is new.
    pub fn intern(&mut self, name: &str) -> (u32, bool) {
        if let Some(row) = self.row(name) {
            return (row, false);
        }
        let row = self.names.len() as u32;
        let name: Arc<str> = Arc::from(name);
        self.names.push(Arc::clone(&name));
        self.rows.insert(name, row);
        (row, true)
    }

    /// All strings in row order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }
}

/// A text column with few distinct values; unknown is [`NONE`].
#[derive(Debug, Clone, Default)]
pub struct Category {
    terms: Ids,
    codes: Vec<u32>,
}

impl Category {
    /// Adds a row; an empty text is unknown.
    pub fn push(&mut self, term: Option<&str>) {
        let code = match term.filter(|t| !t.is_empty()) {
            Some(term) => self.terms.intern(term).0,
            None => NONE,
        };
        self.codes.push(code);
    }

    /// The text of a row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&str> {
        let code = self.code(row);
        (code != NONE).then(|| self.terms.name(code))
    }

    /// Index into [`Category::terms`], or [`NONE`].
    #[must_use]
    pub fn code(&self, row: usize) -> u32 {
        self.codes.get(row).copied().unwrap_or(NONE)
    }

    /// The distinct values.
    #[must_use]
    pub fn terms(&self) -> &Ids {
        &self.terms
    }

    /// Rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// True where there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    pub(super) fn reorder(&mut self, order: &[u32]) {
        self.codes = reordered(&self.codes, order);
    }
}

/// A column of lists of texts; an unknown list is empty.
#[derive(Debug, Clone)]
pub struct Lists {
    terms: Ids,
    ends: Vec<u32>,
    codes: Vec<u32>,
}

impl Default for Lists {
    fn default() -> Self {
        Lists {
            terms: Ids::default(),
            ends: vec![0],
            codes: Vec::new(),
        }
    }
}

impl Lists {
    /// Adds a row.
    pub fn push<'a>(&mut self, list: impl IntoIterator<Item = &'a str>) {
        for term in list {
            self.codes.push(self.terms.intern(term).0);
        }
        self.ends.push(self.codes.len() as u32);
    }

    /// Indexes into [`Lists::terms`] of a row, in table order.
    #[must_use]
    pub fn codes(&self, row: usize) -> &[u32] {
        match (self.ends.get(row), self.ends.get(row + 1)) {
            (Some(start), Some(end)) => &self.codes[*start as usize..*end as usize],
            _ => &[],
        }
    }

    /// The texts of a row, in table order.
    pub fn get(&self, row: usize) -> impl ExactSizeIterator<Item = &str> {
        self.codes(row).iter().map(|code| self.terms.name(*code))
    }

    /// The distinct texts.
    #[must_use]
    pub fn terms(&self) -> &Ids {
        &self.terms
    }
}

pub(super) fn reordered<T: Copy>(values: &[T], order: &[u32]) -> Vec<T> {
    order.iter().map(|row| values[*row as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_row_and_a_row_one_id() {
        let mut ids = Ids::default();
        assert_eq!(ids.intern("b"), (0, true));
        assert_eq!(ids.intern("a"), (1, true));
        assert_eq!(ids.intern("b"), (0, false));
        assert_eq!((ids.name(1), ids.row("a"), ids.row("c")), ("a", Some(1), None));
    }

    #[test]
    fn empty_and_missing_are_unknown_and_not_a_category() {
        let mut column = Category::default();
        for term in [Some("tv"), None, Some(""), Some("tv")] {
            column.push(term);
        }
        assert_eq!(
            (0..4).map(|r| column.get(r)).collect::<Vec<_>>(),
            [Some("tv"), None, None, Some("tv")]
        );
        assert_eq!(column.terms().len(), 1);
    }

    #[test]
    fn lists_keep_their_order() {
        let mut lists = Lists::default();
        lists.push(["x", "y"]);
        lists.push([]);
        lists.push(["y"]);
        assert_eq!(lists.get(0).collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(lists.get(1).len(), 0);
        assert_eq!(lists.codes(2), [1]);
        assert!(lists.codes(3).is_empty());
    }
}
