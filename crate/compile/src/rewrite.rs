//! Ops that tract does not read, or reads otherwise than they are defined, written with others.

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// Writes such nodes anew, in their places.
pub fn rewrite(graph: &mut GraphProto) {
    let mut writer = Writer {
        nodes: Vec::with_capacity(graph.node.len()),
        weights: Vec::new(),
    };
    for node in graph.node.drain(..) {
        writer.write(node);
    }
    graph.node = writer.nodes;
    graph.initializer.append(&mut writer.weights);
}

struct Writer {
    nodes: Vec<NodeProto>,
    weights: Vec<TensorProto>,
}

impl Writer {
    fn write(&mut self, node: NodeProto) {
        let ([x, ..], [y]) = (node.input.as_slice(), node.output.as_slice()) else {
            return self.nodes.push(node);
        };
        let floats = |name: &str| attribute(&node, name).map(|a| a.floats.clone());
        match node.op_type.as_str() {
            // (x − offset) · scale, of `ai.onnx.ml`.
            "Scaler" => {
                let x = self.cast(x, y);
                let offset = self.constant(y, "offset", floats("offset").unwrap_or_else(|| vec![0.0]));
                let scale = self.constant(y, "scale", floats("scale").unwrap_or_else(|| vec![1.0]));
                let centred = self.node("Sub", &[&x, &offset], &part(y, "centred"), &[]);
                self.node("Mul", &[&centred, &scale], y, &[]);
            }
            // α · elu(x / α), Barron 2017; tract 0.23 leaves out the first α.
            "Celu" => {
                let alpha = attribute(&node, "alpha").map_or(1.0, |a| a.f);
                let (up, down) = (
                    self.constant(y, "alpha", vec![alpha]),
                    self.constant(y, "inverse", vec![1.0 / alpha]),
                );
                let narrow = self.node("Mul", &[x, &down], &part(y, "narrow"), &[]);
                let curve = self.node("Elu", &[&narrow], &part(y, "curve"), &[float("alpha", 1.0)]);
                self.node("Mul", &[&curve, &up], y, &[]);
            }
            // max(x, 0) + ln(1 + e^−|x|): as ln(1 + e^x), which is what tract computes, it is infinite from 89 on.
            "Softplus" => {
                let one = self.constant(y, "one", vec![1.0]);
                let size = self.node("Abs", &[x], &part(y, "size"), &[]);
                let negative = self.node("Neg", &[&size], &part(y, "negative"), &[]);
                let power = self.node("Exp", &[&negative], &part(y, "power"), &[]);
                let above_one = self.node("Add", &[&power, &one], &part(y, "above_one"), &[]);
                let bend = self.node("Log", &[&above_one], &part(y, "bend"), &[]);
                let line = self.node("Relu", &[x], &part(y, "line"), &[]);
                self.node("Add", &[&line, &bend], y, &[]);
            }
            _ => self.nodes.push(node),
        }
    }

    /// Numbers as floats.
    fn cast(&mut self, x: &str, y: &str) -> String {
        let to = integer("to", DataType::Float as i64);
        self.node("Cast", &[x], &part(y, "floats"), &[to])
    }

    /// Writes a node of one output, which is also its name.
    fn node(&mut self, op: &str, inputs: &[&str], output: &str, attributes: &[AttributeProto]) -> String {
        self.nodes.push(NodeProto {
            op_type: op.to_owned(),
            name: output.to_owned(),
            input: inputs.iter().map(|input| (*input).to_owned()).collect(),
            output: vec![output.to_owned()],
            attribute: attributes.to_vec(),
            ..NodeProto::default()
        });
        output.to_owned()
    }

    fn constant(&mut self, y: &str, label: &str, values: Vec<f32>) -> String {
        let name = part(y, label);
        self.weights.push(TensorProto {
            name: name.clone(),
            dims: vec![values.len() as i64],
            data_type: DataType::Float as i32,
            float_data: values,
            ..TensorProto::default()
        });
        name
    }
}

/// A name below that of the node's output: those are unique in a graph.
pub fn part(y: &str, label: &str) -> String {
    format!("{y}/upnext/{label}")
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

/// An attribute of a whole number.
pub fn integer(name: &str, i: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Int as i32,
        i,
        ..AttributeProto::default()
    }
}

fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Float as i32,
        f,
        ..AttributeProto::default()
    }
}
