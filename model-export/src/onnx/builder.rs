//! A graph builder over the protobuf types that `tract_onnx` generates from `onnx.proto`.

use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, type_proto,
};

/// The operator set that the graphs are written in.
pub const OPSET: i64 = 17;
/// The version of `onnx.proto` that goes with it.
const IR_VERSION: i64 = 8;
/// The batch dimension.
const BATCH: &str = "n";

/// The name of a value in the graph: an input, weights, or what a node wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(String);

/// Builds one graph, nodes in the order of their execution.
#[derive(Debug)]
pub struct GraphBuilder {
    graph: GraphProto,
}

impl GraphBuilder {
    /// An empty graph.
    #[must_use]
    pub fn new(name: &str) -> Self {
        GraphBuilder {
            graph: GraphProto {
                name: name.to_owned(),
                ..GraphProto::default()
            },
        }
    }

    /// An input of `[n, width]` int64 ids.
    pub fn input_ids(&mut self, name: &str, width: usize) -> Value {
        self.graph.input.push(value_info(name, DataType::Int64, width));
        Value(name.to_owned())
    }

    /// An input of `[n, width]` f32.
    pub fn input(&mut self, name: &str, width: usize) -> Value {
        self.graph.input.push(value_info(name, DataType::Float, width));
        Value(name.to_owned())
    }

    /// Weights of this shape, row-major; `dims` empty is a scalar.
    pub fn weights(&mut self, name: &str, dims: &[usize], values: &[f32]) -> Value {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.initializer(name, DataType::Float, dims, raw)
    }

    /// Integer constants of this shape; `dims` empty is a scalar.
    pub fn integers(&mut self, name: &str, dims: &[usize], values: &[i64]) -> Value {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.initializer(name, DataType::Int64, dims, raw)
    }

    fn initializer(&mut self, name: &str, data_type: DataType, dims: &[usize], raw_data: Vec<u8>) -> Value {
        self.graph.initializer.push(TensorProto {
            name: name.to_owned(),
            dims: dims.iter().map(|d| *d as i64).collect(),
            data_type: data_type as i32,
            raw_data,
            ..TensorProto::default()
        });
        Value(name.to_owned())
    }

    /// A node; it writes one value, of its own name.
    pub fn node(&mut self, op: &str, name: &str, inputs: &[&Value]) -> Value {
        self.node_with(op, name, inputs, &[])
    }

    /// A node with integer attributes.
    pub fn node_with(&mut self, op: &str, name: &str, inputs: &[&Value], attributes: &[(&str, i64)]) -> Value {
        let attribute = attributes.iter().map(|(name, i)| AttributeProto {
            name: (*name).to_owned(),
            // Without the type the checker rejects the attribute, though readers would guess it.
            r#type: AttributeType::Int as i32,
            i: *i,
            ..AttributeProto::default()
        });
        self.push(op, name, inputs, attribute.collect())
    }

    /// `ReduceL2` or `ReduceMean` over one axis, kept; up to opset 17 the axes are an attribute here, and an input of
    /// `ReduceSum`.
    pub fn reduce(&mut self, op: &str, name: &str, input: &Value, axis: i64) -> Value {
        let axes = AttributeProto {
            name: "axes".to_owned(),
            r#type: AttributeType::Ints as i32,
            ints: vec![axis],
            ..AttributeProto::default()
        };
        self.push(op, name, &[input], vec![axes])
    }

    fn push(&mut self, op: &str, name: &str, inputs: &[&Value], attribute: Vec<AttributeProto>) -> Value {
        self.graph.node.push(NodeProto {
            op_type: op.to_owned(),
            name: name.to_owned(),
            input: inputs.iter().map(|v| v.0.clone()).collect(),
            output: vec![name.to_owned()],
            attribute,
            ..NodeProto::default()
        });
        Value(name.to_owned())
    }

    /// The model's bytes; `output` is `[n, width]` f32 and keeps its name.
    #[must_use]
    pub fn finish(mut self, output: &Value, width: usize) -> Vec<u8> {
        self.graph.output.push(value_info(&output.0, DataType::Float, width));
        ModelProto {
            ir_version: IR_VERSION,
            producer_name: "upnext-export".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            opset_import: vec![OperatorSetIdProto {
                domain: String::new(),
                version: OPSET,
            }],
            graph: Some(self.graph),
            ..ModelProto::default()
        }
        .encode_to_vec()
    }
}

fn value_info(name: &str, data_type: DataType, width: usize) -> ValueInfoProto {
    let dim = |value| Dimension {
        denotation: String::new(),
        value: Some(value),
    };
    let shape = TensorShapeProto {
        dim: vec![
            dim(dimension::Value::DimParam(BATCH.to_owned())),
            dim(dimension::Value::DimValue(width as i64)),
        ],
    };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            denotation: String::new(),
            value: Some(type_proto::Value::TensorType(type_proto::Tensor {
                elem_type: data_type as i32,
                shape: Some(shape),
            })),
        }),
        doc_string: String::new(),
    }
}
