//! What exporters write, brought to what is lowered: done on the message, before tract sees it.
//!
//! One output is chosen and what does not lead to it goes (a classifier's label, and the ops that only make that), the
//! shapes that an exporter noted go too (the batch has another name in each), weights in files of their own come in,
//! and some ops are written with others: see [`crate::rewrite`].

use std::collections::HashSet;
use std::path::{Component, Path};

use prost::Message;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::type_proto;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};

use crate::Error;
use crate::load::BATCH;
use crate::{dims, rewrite};

/// What to take of a model.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// The output; where it is not named, the only one, or the only one of floats.
    pub output: Option<&'a str>,
    /// Where the model's file lies: its weights may be in files beside it.
    pub folder: Option<&'a Path>,
}

/// Reads ONNX bytes, called `name` in errors.
///
/// # Errors
/// [`Error::OnnxInvalid`] for bytes that are no ONNX, lack weights, or hold an op that tract does not know either;
/// [`Error::OutputUnclear`] where it is not clear which output is meant.
pub fn prepare(name: &str, onnx: &[u8], wanted: Wanted<'_>) -> Result<ModelProto, Error> {
    let invalid = |reason: String| Error::OnnxInvalid {
        name: name.to_owned(),
        reason,
    };
    let mut model = ModelProto::decode(onnx).map_err(|error| invalid(error.to_string()))?;
    let graph = model
        .graph
        .as_mut()
        .ok_or_else(|| invalid("it holds no graph".to_owned()))?;
    let output = choose(graph, wanted.output)?;
    keep_what_leads_to(graph, output);
    for tensor in graph.initializer.iter_mut().chain(constants(&mut graph.node)) {
        fetch(tensor, wanted.folder).map_err(&invalid)?;
    }
    let known = tract_onnx::onnx().op_register.0;
    rewrite::rewrite(graph);
    dims::widen(graph);
    if let Some(node) = graph.node.iter().find(|node| !known.contains_key(&node.op_type)) {
        return Err(invalid(format!(
            "node `{}` ({}): no engine here knows this op; export the graph without it, or up to another --output",
            label(node),
            node.op_type
        )));
    }
    graph.value_info.clear();
    for input in &mut graph.input {
        name_batch(input);
    }
    Ok(model)
}

/// How a node is called: some exporters give none of them a name.
pub(crate) fn label(node: &NodeProto) -> &str {
    match node.name.as_str() {
        "" => node.output.first().map_or("", String::as_str),
        name => name,
    }
}

/// The output that is meant.
fn choose(graph: &GraphProto, wanted: Option<&str>) -> Result<ValueInfoProto, Error> {
    let is_float = |output: &&ValueInfoProto| match output.r#type.as_ref().and_then(|t| t.value.as_ref()) {
        Some(type_proto::Value::TensorType(tensor)) => tensor.elem_type == DataType::Float as i32,
        // A sequence of maps, from scikit-learn: probabilities, see `before_zip`.
        None => true,
    };
    let candidates: Vec<&ValueInfoProto> = match wanted {
        Some(name) => graph.output.iter().filter(|output| output.name == name).collect(),
        None if graph.output.len() == 1 => graph.output.iter().collect(),
        None => graph.output.iter().filter(is_float).collect(),
    };
    let [output] = candidates.as_slice() else {
        let names: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
        return Err(Error::OutputUnclear {
            reason: format!("the graph's outputs are {}; name one of them", names.join(", ")),
        });
    };
    Ok(before_zip(graph, output))
}

/// `ZipMap` makes a map per row of class names and probabilities: the probabilities are meant.
fn before_zip(graph: &GraphProto, output: &ValueInfoProto) -> ValueInfoProto {
    let zip = graph
        .node
        .iter()
        .find(|node| node.op_type == "ZipMap" && node.output.contains(&output.name));
    match zip.and_then(|node| node.input.first()) {
        Some(probabilities) => ValueInfoProto {
            name: probabilities.clone(),
            ..ValueInfoProto::default()
        },
        None => output.clone(),
    }
}

/// Drops the nodes that the output does not need; inputs stay, they are the graph's interface.
fn keep_what_leads_to(graph: &mut GraphProto, output: ValueInfoProto) {
    let mut wanted = HashSet::from([output.name.clone()]);
    let mut kept = Vec::with_capacity(graph.node.len());
    // Nodes come in the order of their execution, so one walk back meets every writer after its readers.
    for node in graph.node.drain(..).rev() {
        if node.output.iter().any(|value| wanted.contains(value)) {
            reads(&node, &mut wanted);
            kept.push(node);
        }
    }
    kept.reverse();
    graph.node = kept;
    graph.initializer.retain(|tensor| wanted.contains(&tensor.name));
    graph.output = vec![output];
}

/// Names of the values that a node reads, in its inner graphs too.
fn reads(node: &NodeProto, names: &mut HashSet<String>) {
    names.extend(node.input.iter().cloned());
    let inner = node.attribute.iter().flat_map(|a| a.g.iter().chain(&a.graphs));
    for graph in inner {
        names.extend(graph.output.iter().map(|output| output.name.clone()));
        graph.node.iter().for_each(|node| reads(node, names));
    }
}

fn constants(nodes: &mut [NodeProto]) -> impl Iterator<Item = &mut TensorProto> {
    nodes
        .iter_mut()
        .flat_map(|node| &mut node.attribute)
        .filter_map(|attribute| attribute.t.as_mut())
}

/// Weights that lie in another file, as PyTorch writes them, come into the message.
fn fetch(tensor: &mut TensorProto, folder: Option<&Path>) -> Result<(), String> {
    if tensor.data_location != Some(DataLocation::External as i32) {
        return Ok(());
    }
    let fail = |reason: String| format!("weights `{}`: {reason}", tensor.name);
    let entry = |key: &str| tensor.external_data.iter().find(|entry| entry.key == key);
    let number = |key: &str| match entry(key).map(|entry| entry.value.parse::<usize>()) {
        None => Ok(None),
        Some(Ok(number)) => Ok(Some(number)),
        Some(Err(error)) => Err(fail(format!("{key}: {error}"))),
    };
    let location = entry("location").map_or("", |entry| entry.value.as_str());
    // A graph is read, not trusted: it names files beside itself and no others.
    let beside = Path::new(location)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let path = match folder {
        Some(folder) if beside && !location.is_empty() => folder.join(location),
        _ => {
            return Err(fail(format!(
                "they are in the file `{location}`, which is not beside the graph"
            )));
        }
    };
    let bytes = std::fs::read(&path).map_err(|error| fail(format!("{location}: {error}")))?;
    let start = number("offset")?.unwrap_or(0);
    let length = number("length")?.unwrap_or(bytes.len().saturating_sub(start));
    let end = start.checked_add(length);
    let part = end.and_then(|end| bytes.get(start..end));
    tensor.raw_data = part.ok_or_else(|| fail(format!("{location} is too short")))?.to_vec();
    tensor.data_location = None;
    tensor.external_data.clear();
    Ok(())
}

/// The first dimension of every input is the batch, whatever it is called, or 1.
fn name_batch(input: &mut ValueInfoProto) {
    let value = input.r#type.as_mut().and_then(|t| t.value.as_mut());
    let Some(type_proto::Value::TensorType(tensor)) = value else {
        return;
    };
    if let Some(first) = tensor.shape.as_mut().and_then(|shape| shape.dim.first_mut()) {
        *first = Dimension {
            value: Some(dimension::Value::DimParam(BATCH.to_owned())),
            ..Dimension::default()
        };
    }
}
