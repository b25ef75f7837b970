//! Running an ONNX graph with tract.

use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::DimLike;
use upnext_core::program::Value;

use crate::{Error, load};

/// An ONNX graph that tract has optimised.
#[derive(Debug)]
pub struct OnnxRunner {
    name: String,
    plan: Arc<TypedRunnableModel>,
    /// Name, width and whether it takes ids, of each input.
    inputs: Vec<RunnerInput>,
    /// Type and dimensions after the batch, of each input.
    facts: Vec<(DatumType, Vec<usize>)>,
    /// Values per row of the output, where that is fixed.
    output_width: Option<usize>,
}

/// An input of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerInput {
    /// Name.
    pub name: String,
    /// Values per row.
    pub width: usize,
    /// True: ids, int64 or int32; false: f32.
    pub ids: bool,
}

impl OnnxRunner {
    /// Reads and optimises a graph, called `name` in errors.
    ///
    /// # Errors
    /// [`Error::OnnxInvalid`].
    pub fn load(name: &str, onnx: &[u8]) -> Result<Self, Error> {
        let invalid = |error: TractError| Error::OnnxInvalid {
            name: name.to_owned(),
            reason: format!("{error:#}"),
        };
        let graph = load(name, onnx)?;
        let (mut inputs, mut facts) = (Vec::new(), Vec::new());
        for (index, input) in graph.inputs.iter().enumerate() {
            let fact = graph.model.input_fact(index).map_err(invalid)?;
            let dims = fact.shape.iter().skip(1).map(TDim::to_usize);
            let dims: Vec<usize> = dims.collect::<Result<_, _>>().map_err(|error| invalid(error.into()))?;
            inputs.push(RunnerInput {
                name: input.clone(),
                width: dims.iter().product(),
                ids: fact.datum_type.is_integer(),
            });
            facts.push((fact.datum_type, dims));
        }
        let output = graph.model.output_fact(0).map_err(invalid)?;
        let dims = output.shape.iter().skip(1).map(TDim::to_usize);
        let output_width = dims.product::<Result<usize, _>>().ok();
        let plan = graph
            .model
            .into_optimized()
            .and_then(|model| model.into_runnable())
            .map_err(invalid)?;
        Ok(OnnxRunner {
            name: name.to_owned(),
            plan,
            inputs,
            facts,
            output_width,
        })
    }

    /// Its inputs, in order.
    #[must_use]
    pub fn inputs(&self) -> &[RunnerInput] {
        &self.inputs
    }

    /// Values per row of its output.
    ///
    /// # Errors
    /// [`Error::OnnxInvalid`] where that is not fixed.
    pub fn output_width(&self) -> Result<usize, Error> {
        self.output_width.ok_or_else(|| Error::OnnxInvalid {
            name: self.name.clone(),
            reason: "the width of its output is not fixed".to_owned(),
        })
    }

    /// Runs `rows` rows; ids are not checked by tract, so whoever calls has done so.
    ///
    /// # Errors
    /// [`Error::OnnxInvalid`] where the inputs do not fit the graph.
    pub fn run(&self, values: &[Value<'_>], rows: usize) -> Result<Vec<f32>, Error> {
        let run = || -> TractResult<Vec<f32>> {
            let mut tensors = tvec![];
            for (value, (data_type, dims)) in values.iter().zip(&self.facts) {
                let shape: TVec<usize> = [rows].iter().chain(dims).copied().collect();
                let tensor = match value {
                    Value::Dense(values) => Tensor::from_shape(&shape, values)?,
                    Value::Ids(ids) => {
                        let ids: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
                        Tensor::from_shape(&shape, &ids)?
                    }
                };
                tensors.push(tensor.cast_to_dt(*data_type)?.into_owned().into_tvalue());
            }
            let outputs = self.plan.run(tensors)?;
            let output = outputs.first().ok_or_else(|| TractError::msg("no output"))?;
            Ok(output.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
        };
        run().map_err(|error| Error::OnnxInvalid {
            name: self.name.clone(),
            reason: format!("{error:#}"),
        })
    }
}
