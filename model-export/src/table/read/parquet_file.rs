//! Parquet.

use std::fs::File;
use std::path::Path;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::batches::Batches;
use super::cell::Row;
use super::malformed::{Fault, Report};
use crate::Error;
use crate::table::schema::Schema;

const BATCH: usize = 16_384;

/// As [`super::csv_file::read`].
///
/// # Errors
/// As there.
pub fn read(
    path: &Path,
    schema: &Schema,
    allowed: f64,
    take: &mut dyn FnMut(&Row<'_, '_>) -> Result<(), Fault>,
) -> Result<Report, Error> {
    let file = File::open(path).map_err(Error::file(path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(Error::file(path))?;
    let names: Vec<String> = builder.schema().fields().iter().map(|f| f.name().clone()).collect();
    let mut rows = Batches::new(path, schema, &names)?;
    for batch in builder.with_batch_size(BATCH).build().map_err(Error::file(path))? {
        rows.each(&batch.map_err(Error::file(path))?, |row| Ok(take(row).err()))?;
    }
    rows.report.check(path, allowed)?;
    Ok(rows.report)
}
