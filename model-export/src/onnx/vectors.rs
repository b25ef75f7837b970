//! Known answers of a bundle's graphs, for another runtime to be held to.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use upnext_core::bundle::Role;
use upnext_core::program::{Program, Scratch, Value};

use super::{OnnxRunner, RunnerInput};
use crate::bundle::Bundle;
use crate::{Error, compile};

/// One graph with inputs and the outputs that two engines gave.
#[derive(Debug, Clone, Serialize)]
pub struct GraphVectors {
    /// Which graph.
    pub role: Role,
    /// The ONNX file.
    pub path: std::path::PathBuf,
    /// Rows of every input and output.
    pub rows: usize,
    /// Inputs in order.
    pub inputs: Vec<InputVectors>,
    /// Output of tract, row-major.
    pub tract: Vec<f32>,
    /// Output of the compact program; none where the graph has an op outside the compact set.
    pub compact: Option<Vec<f32>>,
}

/// Values of one input, row-major.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InputVectors {
    /// Name.
    pub name: String,
    /// Values per row.
    #[serde(default)]
    pub width: usize,
    /// Ids, where it takes ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<u32>>,
    /// Floats, where it takes floats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dense: Option<Vec<f32>>,
}

/// Runs the three graphs of a bundle on seeded inputs with tract and with their compact programs:
/// the bundle's own, and for the item tower, which a bundle has as ONNX only, one compiled here.
///
/// # Errors
/// Those of reading the bundle, and of the engines.
pub fn vectors(bundle: &Bundle, rows: usize, seed: u64) -> Result<Vec<GraphVectors>, Error> {
    let graphs = [
        (Role::UserTowerOnnx, Some(Role::UserTower)),
        (Role::ItemTowerOnnx, None),
        (Role::RankerOnnx, Some(Role::Ranker)),
    ];
    let mut all = Vec::with_capacity(graphs.len());
    for (onnx_role, program_role) in graphs {
        let onnx = bundle.read(onnx_role)?;
        let path = bundle.path(onnx_role)?;
        let name = path.display().to_string();
        let program = match program_role {
            Some(role) if bundle.manifest.file(role).is_ok() => Some(Program::decode(&bundle.read(role)?)?),
            _ => match compile::compile(&name, &onnx) {
                Ok(program) => Some(program),
                Err(Error::OpUnsupported { .. }) => None,
                Err(error) => return Err(error),
            },
        };
        let runner = OnnxRunner::load(&name, &onnx)?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let inputs: Vec<InputVectors> = (runner.inputs().iter().enumerate())
            .map(|(index, input)| {
                let limits = program.as_ref().map_or(&[][..], |p| p.id_limits(index));
                InputVectors::seeded(input, limits, rows, &mut rng)
            })
            .collect();
        let values: Vec<Value<'_>> = inputs.iter().map(InputVectors::value).collect();
        let compact = match &program {
            Some(program) => Some(program.run(&values, rows, &mut Scratch::default())?.to_vec()),
            None => None,
        };
        all.push(GraphVectors {
            role: onnx_role,
            path,
            rows,
            tract: runner.run(&values, rows)?,
            compact,
            inputs,
        });
    }
    Ok(all)
}

impl InputVectors {
    /// Random values of an input: floats from −2 to 2, ids below the limits of their columns.
    pub fn seeded(input: &RunnerInput, limits: &[Option<usize>], rows: usize, rng: &mut impl Rng) -> InputVectors {
        let mut values = InputVectors {
            name: input.name.clone(),
            width: input.width,
            ids: None,
            dense: None,
        };
        if input.ids {
            // Without a program nothing here knows the tables' sizes: row 0 is in every table.
            let id = |at: usize| limits.get(at % input.width.max(1)).copied().flatten().unwrap_or(1);
            let ids = (0..rows * input.width).map(|at| rng.random_range(0..id(at).max(1)) as u32);
            values.ids = Some(ids.collect());
        } else {
            values.dense = Some((0..rows * input.width).map(|_| rng.random_range(-2.0..2.0)).collect());
        }
        values
    }

    /// The values as a program takes them.
    #[must_use]
    pub fn value(&self) -> Value<'_> {
        match (&self.ids, &self.dense) {
            (Some(ids), _) => Value::Ids(ids),
            (None, Some(dense)) => Value::Dense(dense),
            (None, None) => Value::Dense(&[]),
        }
    }
}
