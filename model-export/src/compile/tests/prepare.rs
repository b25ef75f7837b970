//! What is done to a model before it is lowered.

use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataLocation;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, StringStringEntryProto};
use upnext_core::Code;
use upnext_core::program::{Program, Scratch, Value};

use crate::compile::{Wanted, compile, prepare};
use crate::onnx::{GraphBuilder, Value as Node};

fn edited(onnx: &[u8], edit: impl FnOnce(&mut GraphProto)) -> Vec<u8> {
    let mut model = ModelProto::decode(onnx).unwrap();
    edit(model.graph.as_mut().unwrap());
    model.encode_to_vec()
}

fn run(program: &Program, x: &[f32]) -> Vec<f32> {
    let rows = x.len() / program.inputs()[0].width;
    program
        .run(&[Value::Dense(x)], rows, &mut Scratch::default())
        .unwrap()
        .to_vec()
}

/// A graph of one node.
fn of(op: &str, attributes: &[(&str, Vec<f32>)]) -> Vec<u8> {
    let mut g = GraphBuilder::new("one");
    let x = g.input("x", 3);
    let y = g.node(op, "y", &[&x]);
    edited(&g.finish(&y, 3), |graph| {
        let attribute = |(name, values): &(&str, Vec<f32>)| AttributeProto {
            name: (*name).to_owned(),
            r#type: if values.len() == 1 {
                AttributeType::Float
            } else {
                AttributeType::Floats
            } as i32,
            f: values[0],
            floats: values.clone(),
            ..AttributeProto::default()
        };
        graph.node[0].attribute = attributes.iter().map(attribute).collect();
    })
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{found:?}, {expected:?}");
    }
}

#[test]
fn rewritten_ops_are_as_they_are_defined() {
    let x = [-3.0_f32, -0.5, 2.0, 0.0, 100.0, -100.0];
    let celu = |x: f32| x.max(0.0) + (0.8 * ((x / 0.8).exp() - 1.0)).min(0.0);
    let program = compile("celu", &of("Celu", &[("alpha", vec![0.8])])).unwrap();
    close(&run(&program, &x), &x.map(celu));
    let softplus = |x: f32| f64::from(x).exp().ln_1p() as f32;
    let program = compile("softplus", &of("Softplus", &[])).unwrap();
    close(&run(&program, &x), &x.map(softplus));
    let program = compile(
        "scaler",
        &of(
            "Scaler",
            &[("offset", vec![1.0, 2.0, 3.0]), ("scale", vec![0.5, 2.0, -1.0])],
        ),
    )
    .unwrap();
    close(&run(&program, &x[..3]), &[-2.0, -5.0, 1.0]);
}

/// Two outputs; one is made by an op that nothing here knows.
fn two_outputs() -> Vec<u8> {
    let mut g = GraphBuilder::new("two");
    let x = g.input("x", 3);
    let y = g.node("Tanh", "y", &[&x]);
    let z = g.node("Frobnicate", "z", &[&y]);
    let onnx = g.finish(&z, 3);
    edited(&onnx, |graph| {
        let mut y = graph.output[0].clone();
        y.name = "y".to_owned();
        graph.output.push(y);
    })
}

#[test]
fn one_output_is_taken_and_what_does_not_lead_to_it_goes() {
    let onnx = two_outputs();
    let wanted = |output| Wanted {
        output: Some(output),
        folder: None,
    };
    let prepared = prepare("two", &onnx, wanted("y")).unwrap();
    close(
        &run(&compile("two", &prepared).unwrap(), &[0.5, 0.0, -1.0]),
        &[0.5_f32, 0.0, -1.0].map(f32::tanh),
    );
    let unclear = compile("two", &onnx).unwrap_err();
    assert_eq!(unclear.code(), Code::ConfigInvalid);
    assert!(unclear.to_string().contains("z, y"), "{unclear}");
    assert_eq!(
        prepare("two", &onnx, wanted("w")).unwrap_err().code(),
        Code::ConfigInvalid
    );
    let unknown = prepare("two", &onnx, wanted("z")).unwrap_err();
    assert_eq!(unknown.code(), Code::OnnxInvalid);
    assert!(unknown.to_string().contains("Frobnicate"), "{unknown}");
}

fn dense(g: &mut GraphBuilder) -> Node {
    let x = g.input("x", 2);
    let weights = g.weights("weights", &[2, 1], &[3.0, -1.0]);
    g.node("MatMul", "y", &[&x, &weights])
}

#[test]
fn weights_beside_the_graph_come_in_and_others_do_not() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("model.data"),
        [[0; 4], 3.0_f32.to_le_bytes(), (-1.0_f32).to_le_bytes()].concat(),
    )
    .unwrap();
    let mut g = GraphBuilder::new("outside");
    let y = dense(&mut g);
    let onnx = g.finish(&y, 1);
    let outside = |location: &str, length: &str| {
        let entry = |(key, value): (&str, &str)| StringStringEntryProto {
            key: key.to_owned(),
            value: value.to_owned(),
        };
        edited(&onnx, |graph| {
            let tensor = &mut graph.initializer[0];
            tensor.raw_data.clear();
            tensor.data_location = Some(DataLocation::External as i32);
            tensor.external_data = [("location", location), ("offset", "4"), ("length", length)]
                .map(entry)
                .to_vec();
        })
    };
    let beside = Wanted {
        output: None,
        folder: Some(folder.path()),
    };
    let prepared = prepare("outside", &outside("model.data", "8"), beside).unwrap();
    close(&run(&compile("outside", &prepared).unwrap(), &[1.0, 2.0]), &[1.0]);
    for (location, length) in [
        ("model.data", "9"),
        ("../model.data", "8"),
        ("absent", "8"),
        ("model.data", "x"),
    ] {
        let error = prepare("outside", &outside(location, length), beside).unwrap_err();
        assert_eq!(error.code(), Code::OnnxInvalid, "{location} {length}");
        assert!(error.to_string().contains("weights"), "{error}");
    }
    assert!(prepare("outside", &outside("model.data", "8"), Wanted::default()).is_err());
}
