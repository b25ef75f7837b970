//! Graphs as exporters wrote them, with the outputs of onnxruntime: `node tests/foreign.mjs --write` makes them.

use std::path::{Path, PathBuf};

use serde_json::Value;
use upnext_core::Code;
use upnext_core::program::Program;

use crate::Error;
use crate::compile::{Precision, Wanted, compile_as, prepare};
use crate::onnx::case::{Agreement, Case, TOLERANCE};

/// Least cosine of narrow weights: that of `tests/foreign.mjs`.
const LEAST_COSINE: [(Precision, f64); 2] = [(Precision::F16, 0.999_999), (Precision::Int8, 0.999)];

fn cases() -> Vec<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/foreign");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let read = |path: &PathBuf| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    paths.iter().map(|path| (path.clone(), read(path))).collect()
}

fn compiled(path: &Path, case: &Value, precision: Precision) -> Result<Program, Error> {
    let onnx = std::fs::read(path.with_extension("onnx")).unwrap();
    let wanted = Wanted {
        output: case["output"].as_str(),
        folder: None,
    };
    compile_as("foreign", &prepare("foreign", &onnx, wanted)?, precision)
}

fn agreement(path: &Path, case: &Value, precision: Precision) -> Result<Agreement, Error> {
    let program = compiled(path, case, precision)?;
    assert_eq!(Program::decode(&program.encode()).unwrap(), program);
    Case::read(path)?.agreement(&program)
}

#[test]
fn they_equal_onnxruntime_or_are_refused_by_name() {
    let (mut equal, mut refused, mut problems) = (0, 0, Vec::new());
    for (path, case) in cases() {
        match (agreement(&path, &case, Precision::F32), case["refused"].as_str()) {
            (Ok(found), None) if found.largest <= TOLERANCE => equal += 1,
            (Err(error), Some(op)) if error.code() == Code::OpUnsupported && error.to_string().contains(op) => {
                refused += 1;
            }
            (Ok(found), _) => problems.push(format!("{}: {found}", path.display())),
            (Err(error), _) => problems.push(format!("{}: {error}", path.display())),
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(equal >= 15 && refused >= 2, "{equal} equal, {refused} refused");
}

#[test]
fn narrow_weights_keep_the_direction_of_the_output() {
    for (path, case) in cases().into_iter().filter(|(_, case)| case["refused"].is_null()) {
        for (precision, least) in LEAST_COSINE {
            let found = agreement(&path, &case, precision).unwrap();
            assert!(found.cosine >= least, "{} in {precision:?}: {found}", path.display());
        }
    }
}
