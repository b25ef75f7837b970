//! `upnext-export inspect`: what is in a bundle, after every byte of it was verified.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use prost::Message;
use serde::Serialize;
use upnext_core::bundle::{EngineKind, Manifest, Role};
use upnext_core::head::Head;
use upnext_core::program::Program;
use upnext_core::program::format::{OpCode, OpMessage, ProgramMessage};

use super::Bundle;
use crate::Error;

/// What is in a bundle.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Its id.
    pub id: String,
    /// Its manifest.
    pub manifest: Manifest,
    /// Its files, each with its hash verified.
    pub files: Vec<FileReport>,
    /// Its compact programs.
    pub programs: Vec<ProgramReport>,
}

/// A file of the bundle.
#[derive(Debug, Clone, Serialize)]
pub struct FileReport {
    /// What it is for.
    pub role: Role,
    /// Where it is.
    pub path: String,
    /// Size.
    pub bytes: u64,
    /// SHA-256, found and as the manifest says.
    pub sha256: String,
}

/// A compact program.
#[derive(Debug, Clone, Serialize)]
pub struct ProgramReport {
    /// Which one.
    pub role: Role,
    /// Inputs: name, width, ids or f32.
    pub inputs: Vec<String>,
    /// Ops in order, with their shapes.
    pub ops: Vec<String>,
    /// Number of weights.
    pub weights: u64,
}

/// Verifies every file of a bundle and reads its programs.
///
/// # Errors
/// `bundle-missing`, `bundle-corrupt`, `bundle-incomplete` and the like, at the first file that is not right.
pub fn inspect(path: &Path) -> Result<Report, Error> {
    let bundle = Bundle::open(path)?;
    let mut files = Vec::new();
    let mut programs = Vec::new();
    for entry in &bundle.manifest.files {
        let bytes = bundle.read(entry.role)?;
        if matches!(entry.role, Role::UserTower | Role::Ranker) {
            programs.push(program(entry.role, &bytes)?);
        }
        files.push(FileReport {
            role: entry.role,
            path: entry.path.clone(),
            bytes: entry.bytes,
            sha256: entry.sha256.clone(),
        });
    }
    let kind = if bundle.manifest.needs_onnx {
        EngineKind::Onnx
    } else {
        EngineKind::Compact
    };
    bundle.client(kind)?;
    Ok(Report {
        id: bundle.id,
        manifest: bundle.manifest,
        files,
        programs,
    })
}

fn program(role: Role, bytes: &[u8]) -> Result<ProgramReport, Error> {
    Program::decode(bytes)?;
    let message = ProgramMessage::decode(bytes)
        .map_err(|e| upnext_core::Error::from(upnext_core::ErrorKind::ProgramInvalid { reason: e.to_string() }))?;
    let kind = |ids| if ids { "ids" } else { "f32" };
    Ok(ProgramReport {
        role,
        inputs: message
            .inputs
            .iter()
            .map(|i| format!("{} {} × {}", i.name, i.width, kind(i.ids)))
            .collect(),
        ops: message.ops.iter().map(|op| describe(op, &message)).collect(),
        weights: message
            .tensors
            .iter()
            .map(|t| u64::from(t.rows) * u64::from(t.cols))
            .sum(),
    })
}

fn describe(op: &OpMessage, program: &ProgramMessage) -> String {
    let name = OpCode::try_from(op.code).map_or_else(|_| op.code.to_string(), |code| format!("{code:?}"));
    let buffer = |index: &u32| match program.inputs.get(*index as usize) {
        Some(input) => input.name.clone(),
        None => format!("#{}", *index as usize - program.inputs.len()),
    };
    let mut text = format!(
        "{name}({})",
        op.inputs.iter().map(buffer).collect::<Vec<_>>().join(", ")
    );
    for tensor in op.tensors.iter().filter_map(|t| program.tensors.get(*t as usize)) {
        let kind = ["", " f16", " int8", " int8"].get(tensor.dtype as usize).unwrap_or(&"");
        text += &format!(" [{} × {}{kind}]", tensor.rows, tensor.cols);
    }
    if !op.params.is_empty() {
        text += &format!(" {:?}", op.params);
    }
    for scalar in &op.scalars {
        text += &format!(" {scalar:e}");
    }
    text
}

fn utc(ms: i64) -> String {
    crate::table::utc(ms)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let m = &self.manifest;
        writeln!(f, "bundle     {}", self.id)?;
        writeln!(f, "data set   {}", m.dataset)?;
        writeln!(f, "objective  {}", m.objective)?;
        let weights = Head::ALL.iter().zip(m.head_weights.all());
        let weights = weights.filter_map(|(head, weight)| Some(format!("{} {}", head.as_str(), weight?)));
        writeln!(f, "order by   {}", weights.collect::<Vec<_>>().join(", "))?;
        writeln!(f, "vectors    {} wide, factors {} wide", m.vector_dim, m.factor_dim)?;
        for (what, window) in [("factors of", &m.factor_window), ("trained on", &m.train_window)] {
            writeln!(f, "{what} {} to {}", utc(window.from_ms), utc(window.until_ms))?;
        }
        let engine = if m.needs_onnx {
            "upnext/onnx: a graph has an op outside the compact set"
        } else {
            "compact"
        };
        writeln!(f, "engine     {engine}")?;
        writeln!(f, "\n{:<16} {:>12}  {:<12} path", "role", "bytes", "sha256")?;
        let mut halves: BTreeMap<bool, u64> = BTreeMap::new();
        for file in &self.files {
            *halves.entry(file.role.is_client()).or_default() += file.bytes;
            let role = serde_json::to_value(file.role).ok();
            let role = role.as_ref().and_then(|r| r.as_str()).unwrap_or("?");
            writeln!(
                f,
                "{role:<16} {:>12}  {:<12} {}",
                file.bytes,
                &file.sha256[..12],
                file.path
            )?;
        }
        for (is_client, bytes) in halves.iter().rev() {
            writeln!(
                f,
                "{:<16} {bytes:>12}",
                if *is_client { "client half" } else { "server half" }
            )?;
        }
        writeln!(f, "all hashes verified")?;
        for program in &self.programs {
            writeln!(
                f,
                "\n{:?}: {} → {} weights, {} ops",
                program.role,
                program.inputs.join(", "),
                program.weights,
                program.ops.len()
            )?;
            for (index, op) in program.ops.iter().enumerate() {
                writeln!(f, "  #{index:<3} {op}")?;
            }
        }
        if m.metrics.iter().next().is_some() {
            writeln!(f, "\nmetrics")?;
            for (name, value) in m.metrics.iter() {
                writeln!(f, "  {name:<28} {value:.6}")?;
            }
        }
        Ok(())
    }
}
