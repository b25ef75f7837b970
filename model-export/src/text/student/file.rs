//! The student as one safetensors file.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use upnext_core::feature::spec::TextSpec;
use upnext_core::text::{LevelRows, Student};

use crate::Error;

/// As safetensors: `table` int8 `[buckets, width]` with `table_scales`, `map` int8 `[dim, width]` with
/// `map_scales`; seed, shortest and longest n-gram and the teacher's hash in the metadata.
///
/// # Errors
/// [`Error::ConfigInvalid`] where the shapes do not fit.
pub fn to_safetensors(student: &Student, teacher: &str) -> Result<Vec<u8>, Error> {
    let invalid = |error: safetensors::SafeTensorError| Error::ConfigInvalid {
        option: "student".to_owned(),
        reason: error.to_string(),
    };
    let parts = [("table", student.table()), ("map", student.map())].map(|(name, rows)| {
        let levels: Vec<u8> = rows.levels().iter().map(|v| v.cast_unsigned()).collect();
        let scales: Vec<u8> = rows.scales().iter().flat_map(|v| v.to_le_bytes()).collect();
        (name, rows, levels, scales)
    });
    let mut views = Vec::new();
    for (name, rows, levels, scales) in &parts {
        let levels = TensorView::new(Dtype::I8, vec![rows.len(), rows.dim()], levels).map_err(invalid)?;
        let scales = TensorView::new(Dtype::F32, vec![rows.len()], scales).map_err(invalid)?;
        views.push(((*name).to_owned(), levels));
        views.push((format!("{name}_scales"), scales));
    }
    let about = [
        ("seed", student.seed.to_string()),
        ("min_n", student.grams.min_n.to_string()),
        ("max_n", student.grams.max_n.to_string()),
        ("teacher", teacher.to_owned()),
    ];
    let about: HashMap<String, String> = about.map(|(key, value)| (key.to_owned(), value)).into();
    safetensors::serialize(views, Some(about)).map_err(invalid)
}

/// Reads what [`to_safetensors`] wrote.
///
/// # Errors
/// [`Error::File`], [`Error::TextModelInvalid`].
pub fn read(path: &Path) -> Result<Student, Error> {
    let bytes = fs::read(path).map_err(Error::file(path))?;
    parse(&bytes).map_err(|reason| Error::TextModelInvalid {
        path: path.to_path_buf(),
        reason,
    })
}

fn parse(bytes: &[u8]) -> Result<Student, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let about = header.metadata().clone().unwrap_or_default();
    let number = |key: &str| -> Result<u64, String> {
        let value = about.get(key).ok_or_else(|| format!("no {key} in the metadata"))?;
        value.parse().map_err(|_| format!("{key} is {value:?}, no number"))
    };
    let rows = |name: &str| -> Result<LevelRows, String> {
        let levels = file.tensor(name).map_err(|error| error.to_string())?;
        let scales = file
            .tensor(&format!("{name}_scales"))
            .map_err(|error| error.to_string())?;
        let wrong = || format!("{name} and {name}_scales are not int8 rows with a finite scale each");
        let (Dtype::I8, [_, dim], Dtype::F32) = (levels.dtype(), levels.shape(), scales.dtype()) else {
            return Err(wrong());
        };
        let levels = levels.data().iter().map(|v| v.cast_signed()).collect();
        let scales = scales.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b));
        LevelRows::new(*dim, levels, scales.collect()).ok_or_else(wrong)
    };
    let (table, map) = (rows("table")?, rows("map")?);
    let small = |value: u64| u32::try_from(value).map_err(|_| format!("{value} is out of range"));
    let grams = TextSpec {
        dim: small(table.len() as u64)?,
        min_n: small(number("min_n")?)?,
        max_n: small(number("max_n")?)?,
    };
    let misfit = format!(
        "table rows of {} values and map rows of {}, n-grams of {} to {}",
        table.dim(),
        map.dim(),
        grams.min_n,
        grams.max_n
    );
    Student::new(grams, number("seed")?, table, map).ok_or(misfit)
}
