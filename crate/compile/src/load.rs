//! Reading ONNX with tract, up to the typed and decluttered graph.

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid;

use crate::Error;
use crate::prepare::{Wanted, label, prepare};

/// Name of the batch dimension inside tract.
pub(crate) const BATCH: &str = "upnext_rows";

/// A typed, decluttered graph whose inputs all have `batch` as their first dimension.
#[derive(Debug)]
pub struct LoadedGraph {
    /// The graph.
    pub model: TypedModel,
    /// The batch dimension.
    pub batch: Symbol,
    /// Names of the inputs, in order.
    pub inputs: Vec<String>,
    /// Names of the ONNX nodes and their ops: tract makes several nodes of one, whose names begin with that.
    ops: Vec<(String, String)>,
}

impl LoadedGraph {
    /// The ONNX op that a node of tract's comes from, where its name tells.
    #[must_use]
    pub fn op_of(&self, node: &str) -> Option<&str> {
        let is_part = |name: &str| {
            let rest = node.strip_prefix(name);
            rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        let named = self.ops.iter().filter(|(name, _)| is_part(name));
        named.max_by_key(|(name, _)| name.len()).map(|(_, op)| op.as_str())
    }
}

/// Reads ONNX bytes, called `name` in errors; the first dimension of every input, dynamic or fixed to 1, becomes the batch.
///
/// # Errors
/// [`Error::OnnxInvalid`]: no ONNX, or tract cannot type it with a dynamic batch.
pub fn load(name: &str, onnx: &[u8]) -> Result<LoadedGraph, Error> {
    typed(name, &prepare(name, onnx, Wanted::default())?)
}

/// The typed graph of a prepared model.
///
/// # Errors
/// As [`load`].
pub(crate) fn typed(name: &str, model: &ModelProto) -> Result<LoadedGraph, Error> {
    read(model).map_err(invalid(name))
}

/// What tract said, with all its causes.
pub(crate) fn invalid(name: &str) -> impl Fn(TractError) -> Error + '_ {
    move |error| Error::OnnxInvalid {
        name: name.to_owned(),
        reason: format!("{error:#}"),
    }
}

fn read(proto: &ModelProto) -> TractResult<LoadedGraph> {
    let ops = proto.graph.iter().flat_map(|graph| &graph.node);
    let ops = ops.map(|node| (label(node).to_owned(), node.op_type.clone())).collect();
    let mut model = tract_onnx::onnx()
        .with_ignore_output_shapes(true)
        .model_for_proto_model(proto)?;
    let batch = model.symbols.sym(BATCH);
    let mut inputs = Vec::new();
    for (index, outlet) in model.input_outlets()?.to_vec().into_iter().enumerate() {
        let name = model.node(outlet.node).name.clone();
        let fact = model.input_fact(index)?;
        let data_type = fact
            .datum_type
            .concretize()
            .ok_or_else(|| TractError::msg(format!("input {name} has no type")))?;
        let mut dims: TVec<TDim> = tvec![batch.clone().into()];
        for dim in fact.shape.dims().skip(1) {
            let dim = dim
                .concretize()
                .ok_or_else(|| TractError::msg(format!("input {name}: only the batch may be dynamic")))?;
            dims.push(dim);
        }
        model.set_input_fact(index, InferenceFact::dt_shape(data_type, dims))?;
        inputs.push(name);
    }
    for index in 0..model.output_outlets()?.len() {
        // A declared output of one row would contradict the dynamic batch.
        model.set_output_fact(index, InferenceFact::default())?;
    }
    Ok(LoadedGraph {
        model: model.into_typed()?.into_decluttered()?,
        batch,
        inputs,
        ops,
    })
}
