//! A bundle with a graph that was not trained here.

use std::path::Path;

use clap::ValueEnum;
use upnext_core::bundle::Role;
use upnext_core::engine::CompactEngine;
use upnext_core::feature::spec::FeatureSpec;
use upnext_core::program::Program;

use super::{Bundle, Draft, Header};
use crate::Error;
use crate::compile::{Precision, compile_as};
use crate::onnx::OnnxRunner;
use crate::ranker::Platt;

/// A graph of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeviceGraph {
    /// `categorical`, `dense` → the user vector.
    UserTower,
    /// `signals` → the heads.
    Ranker,
}

impl DeviceGraph {
    /// Roles of its ONNX and of its program.
    #[must_use]
    pub const fn roles(self) -> (Role, Role) {
        match self {
            DeviceGraph::UserTower => (Role::UserTowerOnnx, Role::UserTower),
            DeviceGraph::Ranker => (Role::RankerOnnx, Role::Ranker),
        }
    }
}

/// What became of a graph that was put into a bundle.
#[derive(Debug)]
pub struct Replaced {
    /// Id of the new bundle.
    pub id: String,
    /// Why it runs in the module `upnext/onnx` only; none where it was compiled.
    pub outside: Option<Error>,
}

/// Writes the current bundle below `root` once more, with `onnx`, as [`prepare`](crate::compile::prepare) gives it and called `name` in
/// errors, in the place of one of its graphs, and makes that current. Where a node is outside the compact set, the
/// bundle has no program for the graph, and its manifest tells devices to load `upnext/onnx`.
///
/// # Errors
/// [`Error::ConfigInvalid`] where inputs or output are not those of the graph whose place it takes; those of reading
/// and writing bundles and of [`compile_as`].
pub fn replace_graph(
    root: &Path,
    graph: DeviceGraph,
    name: &str,
    onnx: Vec<u8>,
    precision: Precision,
) -> Result<Replaced, Error> {
    let bundle = Bundle::open(root)?;
    let (onnx_role, program_role) = graph.roles();
    let (old, new) = (
        OnnxRunner::load(onnx_role.as_str(), &bundle.read(onnx_role)?)?,
        OnnxRunner::load(name, &onnx)?,
    );
    if interface(&old)? != interface(&new)? {
        return Err(Error::ConfigInvalid {
            option: "--bundle".to_owned(),
            reason: format!(
                "{name} is {}, the {} is {}",
                interface(&new)?,
                program_role.as_str(),
                interface(&old)?
            ),
        });
    }
    let mut draft = Draft::new(header(&bundle, graph));
    for file in bundle.manifest.files.iter().filter(|file| file.role != program_role) {
        draft.file(file.role, bundle.read(file.role)?);
    }
    let outside = match compile_as(name, &onnx, precision) {
        Ok(program) => {
            check(&bundle, graph, &program)?;
            draft.file(program_role, program.encode());
            None
        }
        Err(error @ Error::OpUnsupported { .. }) => Some(error),
        Err(error) => return Err(error),
    };
    draft.file(onnx_role, onnx);
    let id = draft.write(root)?;
    Ok(Replaced { id, outside })
}

/// Inputs in the order of their names, and the width of the output.
fn interface(runner: &OnnxRunner) -> Result<String, Error> {
    let mut inputs: Vec<String> = (runner.inputs().iter())
        .map(|input| {
            let kind = if input.ids { "ids" } else { "f32" };
            format!("{} {} × {kind}", input.name, input.width)
        })
        .collect();
    inputs.sort();
    Ok(format!("{} → {}", inputs.join(", "), runner.output_width()?))
}

/// A device would refuse a program that does not fit the spec: better now than there.
fn check(bundle: &Bundle, graph: DeviceGraph, program: &Program) -> Result<(), Error> {
    let other = match graph {
        DeviceGraph::UserTower => Role::Ranker,
        DeviceGraph::Ranker => Role::UserTower,
    };
    if bundle.manifest.file(other).is_err() {
        return Ok(());
    }
    let spec = FeatureSpec::from_json(&bundle.read(Role::FeatureSpec)?)?;
    let (new, other) = (program.clone(), Program::decode(&bundle.read(other)?)?);
    let (tower, ranker) = match graph {
        DeviceGraph::UserTower => (new, other),
        DeviceGraph::Ranker => (other, new),
    };
    CompactEngine::from_programs(&spec, tower, ranker)?;
    Ok(())
}

fn header(bundle: &Bundle, replaced: DeviceGraph) -> Header {
    let mut header = Header::of(bundle);
    // The calibration was that of the ranker that goes.
    if replaced == DeviceGraph::Ranker {
        header.metrics.retain(|name, _| !name.starts_with(Platt::FIGURES));
    }
    header
}
