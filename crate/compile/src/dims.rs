//! Dimensions that an exporter computes in int32, as TensorFlow does: tract follows the batch through int64 alone.

use std::collections::HashSet;

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, NodeProto};

use crate::rewrite::{integer, part};

/// Computes them in int64.
pub fn widen(graph: &mut GraphProto) {
    // What comes from `Shape`, and what of that an exporter has made narrow.
    let (mut shapes, mut narrowed) = (HashSet::new(), HashSet::new());
    for mut node in std::mem::take(&mut graph.node) {
        let reads = |set: &HashSet<String>, node: &NodeProto| node.input.iter().any(|input| set.contains(input));
        if node.op_type == "Shape" || follows(&node) && reads(&shapes, &node) {
            shapes.extend(node.output.iter().cloned());
        }
        if node.op_type == "Cast" && reads(&shapes, &node) {
            for to in node.attribute.iter_mut().filter(|to| to.i == DataType::Int32 as i64) {
                to.i = DataType::Int64 as i64;
                narrowed.extend(node.output.iter().cloned());
            }
        } else if follows(&node) && reads(&narrowed, &node) {
            if joins(&node) {
                widen_others(&mut node, &narrowed, &mut graph.node);
            }
            narrowed.extend(node.output.iter().cloned());
        }
        graph.node.push(node);
    }
}

/// True for ops whose result is made of dimensions where an input is.
fn follows(node: &NodeProto) -> bool {
    let one = [
        "Cast",
        "Gather",
        "Slice",
        "Squeeze",
        "Unsqueeze",
        "Identity",
        "Reshape",
        "ReduceProd",
    ];
    joins(node) || one.contains(&node.op_type.as_str())
}

/// True where all inputs have one type.
fn joins(node: &NodeProto) -> bool {
    ["Concat", "Add", "Sub", "Mul", "Div", "Max", "Min"].contains(&node.op_type.as_str())
}

/// The inputs that are not dimensions, in int64 too.
fn widen_others(node: &mut NodeProto, narrowed: &HashSet<String>, nodes: &mut Vec<NodeProto>) {
    let Some(output) = node.output.first().cloned() else {
        return;
    };
    for (at, input) in node.input.iter_mut().enumerate() {
        if narrowed.contains(input) {
            continue;
        }
        let wide = part(&output, &format!("wide.{at}"));
        let to = integer("to", DataType::Int64 as i64);
        nodes.push(NodeProto {
            op_type: "Cast".to_owned(),
            name: wide.clone(),
            input: vec![std::mem::replace(input, wide.clone())],
            output: vec![wide],
            attribute: vec![to],
            ..NodeProto::default()
        });
    }
}
