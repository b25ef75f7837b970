//! Accounts and the factor that collaborative filtering learnt for each.

use std::collections::HashMap;

use upnext_core::{Error, ErrorKind};

use super::table::Table;
use crate::column::Column;
use crate::error::StartError;
use crate::file_bytes::FileBytes;

const FILE: &str = "server/accounts.parquet";

/// Account id to factor. Its `Debug` shows how many there are, and nothing of any.
pub struct Accounts {
    // Looked up by key, or listed to be sorted, so its order cannot reach a response.
    rows: HashMap<String, usize>,
    factors: Column<f32>,
    dim: usize,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} accounts", self.len())
    }
}

/// The ids in row order.
pub fn read_ids(bytes: FileBytes) -> Result<Vec<String>, StartError> {
    let ids = Table::read(FILE, bytes)?.ids("id")?;
    Ok((0..ids.len()).map(|row| ids.text(row).to_owned()).collect())
}

impl Accounts {
    /// Row `i` of `factors` belongs to account `ids[i]`.
    ///
    /// # Errors
    /// [`Error::BundleInconsistent`] for an id that comes twice.
    pub fn new(ids: Vec<String>, factors: Column<f32>, dim: usize) -> Result<Accounts, Error> {
        let count = ids.len();
        let rows: HashMap<String, usize> = ids.into_iter().enumerate().map(|(row, id)| (id, row)).collect();
        if rows.len() != count {
            return Err(Error::from(ErrorKind::BundleInconsistent {
                what: format!("distinct ids of {FILE}"),
                expected: count.to_string(),
                found: rows.len().to_string(),
            }));
        }
        Ok(Accounts { rows, factors, dim })
    }

    /// Number of accounts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no account.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Ids of the accounts, in no order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }

    /// The account's factor; all zeros for an account of which nothing was learnt.
    #[must_use]
    pub fn factor(&self, account: &str) -> Option<&[f32]> {
        let row = *self.rows.get(account)?;
        self.factors.get(row * self.dim..(row + 1) * self.dim)
    }
}
