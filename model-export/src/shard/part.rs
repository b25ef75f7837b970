//! Rows of a part of a log, as they come in.

use std::io::Read;
use std::path::Path;
use std::sync::LazyLock;

use arrow::ipc::reader::StreamReader;

use super::IdTable;
use crate::Error;
use crate::table::read::{Batches, Fault, Malformed, Report, Row, interaction};
use crate::table::schema::{Column, INTERACTIONS, Kind, Schema, USERS, VIDEOS, may, must};
use crate::table::{Builder, Dataset, User, Video};

/// Interactions that are worked on at once, at least where there are so many; a user's are never divided.
const PART_ROWS: usize = 1 << 18;

/// A table's columns with others beside them.
fn beside(schema: &Schema, more: &[Column]) -> Vec<Column> {
    schema.columns.iter().chain(more).copied().collect()
}

/// False where a CSV row had more or fewer cells than the header; missing: all rows are whole.
const WHOLE: Column = may("whole", Kind::Flag);
const PLACE: Column = must("place", Kind::Text);

static INTERACTION_ROWS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let of_others = [
        may("length_seconds", Kind::Number),
        must("user_known", Kind::Flag),
        must("video_known", Kind::Flag),
        WHOLE,
    ];
    beside(&INTERACTIONS, &of_others)
});
static VIDEO_ROWS: LazyLock<Vec<Column>> = LazyLock::new(|| beside(&VIDEOS, &[PLACE, WHOLE]));
static USER_ROWS: LazyLock<Vec<Column>> = LazyLock::new(|| beside(&USERS, &[PLACE, WHOLE]));

/// Columns of the interactions with what labels need of the other tables.
pub fn interaction_rows() -> Schema {
    Schema {
        table: INTERACTIONS.table,
        columns: &INTERACTION_ROWS,
    }
}

/// Columns of the videos or the users with their place.
pub fn id_rows(table: IdTable) -> Schema {
    let (schema, columns) = match table {
        IdTable::Videos => (&VIDEOS, &VIDEO_ROWS),
        IdTable::Users => (&USERS, &USER_ROWS),
    };
    Schema {
        table: schema.table,
        columns,
    }
}

/// Gives each row of a stream to `take`.
pub fn each_row(
    input: impl Read,
    schema: &Schema,
    mut take: impl FnMut(&Row<'_, '_>) -> Result<Option<Fault>, Error>,
) -> Result<Report, Error> {
    let path = Path::new("standard input");
    let stream = StreamReader::try_new_buffered(input, None).map_err(Error::file(path))?;
    let names: Vec<String> = stream.schema().fields().iter().map(|f| f.name().clone()).collect();
    let mut rows = Batches::new(path, schema, &names)?;
    for batch in stream {
        rows.each(&batch.map_err(Error::file(path))?, &mut take)?;
    }
    Ok(rows.report)
}

/// A fault where the row is not whole.
pub fn whole(row: &Row<'_, '_>) -> Result<(), Fault> {
    match row.flag("whole")? {
        Some(false) => Err(Fault::new(Malformed::Width, "", "not as many cells as the header has")),
        _ => Ok(()),
    }
}

/// Interactions with what they name of the other tables.
#[derive(Debug, Default)]
pub struct Part {
    builder: Builder,
}

impl Part {
    /// Whether it is time to work on it.
    pub fn is_full(&self) -> bool {
        self.builder.so_far().interactions.len() >= PART_ROWS
    }

    /// Adds an interaction, by the rules of a table that is read whole.
    pub fn add(&mut self, row: &Row<'_, '_>) -> Result<(), Fault> {
        whole(row)?;
        if let (Some(true), Some(id)) = (row.flag("user_known")?, row.text("user_id")?) {
            self.builder.user(&User { id, ..User::default() });
        }
        if let (Some(true), Some(id)) = (row.flag("video_known")?, row.text("video_id")?) {
            self.builder.video(&Video {
                id,
                length_seconds: row.number("length_seconds", f32::MIN_POSITIVE..=f32::MAX)?,
                ..Video::default()
            });
        }
        interaction(&mut self.builder, row)
    }

    /// What was added, in the order of time; nothing is left.
    pub fn take(&mut self) -> Dataset {
        std::mem::take(&mut self.builder).finish()
    }
}
