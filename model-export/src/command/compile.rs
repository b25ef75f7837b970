//! `upnext-export compile MODEL.onnx --out MODEL.program`

use std::path::PathBuf;

use clap::Args;
use upnext_core::program::Program;
use upnext_export::Error;
use upnext_export::bundle::{DeviceGraph, replace_graph};
use upnext_export::compile::{Precision, Wanted, compile_as, prepare};
use upnext_export::onnx::case::{Case, TOLERANCE};

/// Rows of random inputs that a program is held to tract on.
const ROWS: usize = 64;
/// Seed of those.
const SEED: u64 = 1;
/// Largest difference to tract: rows are random, and what divides by a short vector's length is less exact. A node
/// that is lowered wrongly is off by more.
const COARSE: f64 = 1e-4;

/// Compile an ONNX graph to a compact program
///
/// For graphs of any exporter: inputs are f32, or int64 or int32 ids, `[n, …]` with a dynamic batch or one row and no
/// other dynamic axis. Of several outputs the one of floats is taken, or the named one. A node outside the compact set
/// is named (`op-unsupported`): such a graph runs in the module `upnext/onnx`, and docs/compile.md says what else can be
/// done. The program is held to tract on random rows before it is written, and with --expect to what another runtime
/// made of given rows.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  upnext-export compile model.onnx --out model.program
  upnext-export compile classifier.onnx --output probabilities --out classifier.program
  upnext-export compile tower.onnx --weights int8 --out tower.program --expect onnxruntime.json
  upnext-export compile ranker.onnx --bundle bundle --as ranker")]
pub struct Compile {
    /// ONNX graph
    onnx: PathBuf,
    /// Where the program goes
    #[arg(long, value_name = "FILE", required_unless_present = "bundle")]
    out: Option<PathBuf>,
    /// Bundle root: writes its current bundle once more with this graph in it; where the graph is outside the compact
    /// set, marked for `upnext/onnx`
    #[arg(long, value_name = "BUNDLE", requires = "graph")]
    bundle: Option<PathBuf>,
    /// Whose place the graph takes in the bundle
    #[arg(long = "as", value_enum, value_name = "GRAPH", requires = "bundle")]
    graph: Option<DeviceGraph>,
    /// Output to compile; default: the only one, or the only one of floats
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
    /// How the weights are stored: f16 halves, int8 quarters the bytes, at the price of the error that is printed
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    weights: Precision,
    /// Rows and outputs of another runtime to hold the program to: {"rows", "inputs": [{"name", "width", "ids" or
    /// "dense"}], "expected"}
    #[arg(long, value_name = "CASE.json")]
    expect: Option<PathBuf>,
}

impl Compile {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Error> {
        let name = self.onnx.display().to_string();
        let bytes = std::fs::read(&self.onnx).map_err(Error::file(&self.onnx))?;
        let wanted = Wanted {
            output: self.output.as_deref(),
            folder: self.onnx.parent(),
        };
        let graph = prepare(&name, &bytes, wanted)?;
        match self.program(&name, &graph) {
            Ok((program, report)) => {
                if let Some(out) = &self.out {
                    std::fs::write(out, &program).map_err(Error::file(out))?;
                }
                println!(
                    "{name}: {} bytes of program with weights in {}, from {} bytes of ONNX",
                    program.len(),
                    self.weights.as_str(),
                    bytes.len()
                );
                report.iter().for_each(|line| println!("  {line}"));
            }
            Err(Error::OpUnsupported { .. }) if self.bundle.is_some() && self.out.is_none() => {}
            Err(error) => return Err(error),
        }
        if let (Some(root), Some(role)) = (&self.bundle, self.graph) {
            let replaced = replace_graph(root, role, &name, graph, self.weights)?;
            println!("{}: now {}", root.display(), replaced.id);
            if let Some(error) = replaced.outside {
                println!("  devices load upnext/onnx for it: {error}");
            }
        }
        Ok(())
    }

    /// Bytes of the program, and how far it is from other engines.
    fn program(&self, name: &str, graph: &[u8]) -> Result<(Vec<u8>, Vec<String>), Error> {
        let exact = compile_as(name, graph, Precision::F32)?;
        let program = match self.weights {
            Precision::F32 => exact.clone(),
            narrow => compile_as(name, graph, narrow)?,
        };
        let tract = Case::of_tract(name, graph, &exact, ROWS, SEED)?;
        let mut report = vec![said(name, ("tract", COARSE), &tract, [&exact, &program])?];
        if let Some(path) = &self.expect {
            let against = path.display().to_string();
            report.push(said(
                name,
                (&against, TOLERANCE),
                &Case::read(path)?,
                [&exact, &program],
            )?);
        }
        Ok((program.encode(), report))
    }
}

/// What is said of a program and a case; the program in f32 must be equal to it.
fn said(
    name: &str,
    (against, tolerance): (&str, f64),
    case: &Case,
    [exact, program]: [&Program; 2],
) -> Result<String, Error> {
    let agreement = case.agreement(exact)?;
    if agreement.largest > tolerance {
        return Err(Error::OutputsDiffer {
            name: name.to_owned(),
            against: against.to_owned(),
            found: agreement.to_string(),
        });
    }
    Ok(format!(
        "against {against}, {} rows: {}",
        case.rows,
        case.agreement(program)?
    ))
}
