//! CSV: one line per row, an empty cell for unknown.

use std::borrow::Cow;
use std::path::Path;

use super::View;
use crate::Error;
use crate::table::read::Cell;

pub(super) fn write(view: &View<'_>, path: &Path) -> Result<(), Error> {
    let mut writer = csv::Writer::from_path(path).map_err(Error::file(path))?;
    let names = view.schema.columns.iter().map(|column| column.name);
    writer.write_record(names).map_err(Error::file(path))?;
    for row in 0..view.rows {
        for column in view.schema.columns {
            let text = text(view.cell(row, column.name));
            writer.write_field(text.as_bytes()).map_err(Error::file(path))?;
        }
        writer.write_record(None::<&[u8]>).map_err(Error::file(path))?;
    }
    writer.flush().map_err(Error::file(path))
}

fn text(cell: Cell<'_>) -> Cow<'_, str> {
    match cell {
        Cell::Unknown => Cow::Borrowed(""),
        Cell::Text(text) => text,
        // All numbers of the tables are f32 in memory: its shortest text reads back as the same number.
        Cell::Number(value) => Cow::Owned((value as f32).to_string()),
        Cell::Integer(value) => Cow::Owned(value.to_string()),
        Cell::Flag(value) => Cow::Borrowed(if value { "true" } else { "false" }),
        Cell::List(list) => Cow::Owned(joined(&list)),
    }
}

/// Joined by `|`, or a JSON array where a text would be misread so.
fn joined(list: &[Cow<'_, str>]) -> String {
    let plain = list.iter().all(|t| !t.is_empty() && !t.contains('|')) && !list.iter().any(|t| t.starts_with('['));
    if plain {
        list.join("|")
    } else {
        serde_json::Value::from(list.iter().map(|t| t.to_string()).collect::<Vec<_>>()).to_string()
    }
}
