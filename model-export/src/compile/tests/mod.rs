#![allow(clippy::unwrap_used, clippy::panic)]

mod foreign;
mod prepare;

use proptest::prelude::*;
use prost::Message;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tract_onnx::pb::ModelProto;
use tract_onnx::pb::tensor_shape_proto::dimension;
use tract_onnx::pb::type_proto;
use upnext_core::Code;
use upnext_core::program::format::{OpCode, ProgramMessage};
use upnext_core::program::{Program, Scratch, Value};

use super::compile;
use crate::onnx::{GraphBuilder, OnnxRunner, Value as Node, item_tower, ranker, user_tower};
use crate::towers::weights::{DenseWeights, EmbeddingWeights, ItemTowerWeights, RankerWeights, UserTowerWeights};

/// Sizes and weights from one seed.
struct Dice(ChaCha8Rng);

impl Dice {
    fn new(seed: u64) -> Self {
        Dice(ChaCha8Rng::seed_from_u64(seed))
    }

    fn size(&mut self, most: usize) -> usize {
        self.0.random_range(1..=most)
    }

    fn floats(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.0.random_range(-1.0..1.0)).collect()
    }

    fn table(&mut self) -> EmbeddingWeights {
        let (rows, dim) = (self.size(6), self.size(5));
        EmbeddingWeights {
            rows,
            dim,
            values: self.floats(rows * dim),
        }
    }

    fn layers(&mut self, input: usize, output: usize) -> Vec<DenseWeights> {
        let mut widths = vec![input];
        for _ in 0..self.0.random_range(0..3) {
            widths.push(self.size(9));
        }
        widths.push(output);
        widths
            .windows(2)
            .map(|pair| {
                // Scaled as trained and initial weights are, so that values stay near 1 and 1e-6 means something.
                let scale = (pair[0] as f32).sqrt().recip();
                DenseWeights {
                    input: pair[0],
                    output: pair[1],
                    weights: self.floats(pair[0] * pair[1]).iter().map(|w| w * scale).collect(),
                    bias: self.floats(pair[1]),
                }
            })
            .collect()
    }

    fn ids(&mut self, tables: &[usize]) -> Vec<u32> {
        tables.iter().map(|rows| self.0.random_range(0..*rows) as u32).collect()
    }
}

const ROWS: usize = 7;

/// Runs both engines and holds them together; returns the compact program's output.
fn both(onnx: &[u8], inputs: &[Value<'_>]) -> Result<Vec<f32>, TestCaseError> {
    let lengths = lengths_before_norm(&compile("test", onnx).unwrap(), inputs);
    both_divided_by(onnx, inputs, &lengths)
}

/// The same, where each row's values, and the rounding in them, were divided by this number on their way.
fn both_divided_by(onnx: &[u8], inputs: &[Value<'_>], lengths: &[f32]) -> Result<Vec<f32>, TestCaseError> {
    let program = compile("test", onnx).unwrap();
    let compact = program.run(inputs, ROWS, &mut Scratch::default()).unwrap().to_vec();
    let tract = OnnxRunner::load("test", onnx).unwrap().run(inputs, ROWS).unwrap();
    let width = program.output_width();
    for ((ours, theirs), length) in compact.chunks(width).zip(tract.chunks(width)).zip(lengths) {
        close(ours, theirs, 1e-6 / length.min(1.0))?;
    }
    prop_assert_eq!(Program::decode(&program.encode()).unwrap(), program);
    Ok(compact)
}

/// How long each row's vector is before it is made one long: the norm of a shorter one divides the rounding of the layers
/// below by that length too. Ones where the program ends otherwise.
fn lengths_before_norm(program: &Program, inputs: &[Value<'_>]) -> Vec<f32> {
    let mut shortened = message(program);
    let last = shortened.ops.pop().unwrap();
    if last.code != OpCode::L2Norm as i32 {
        return vec![1.0; ROWS];
    }
    shortened.output = last.inputs[0];
    let shortened = Program::from_message(shortened).unwrap();
    let vectors = shortened.run(inputs, ROWS, &mut Scratch::default()).unwrap().to_vec();
    let length = |row: &[f32]| row.iter().map(|v| v * v).sum::<f32>().sqrt();
    vectors.chunks(shortened.output_width()).map(length).collect()
}

/// Equal within `tolerance`, relative where a value is above 1.
fn close(a: &[f32], b: &[f32], tolerance: f32) -> Result<(), TestCaseError> {
    prop_assert_eq!(a.len(), b.len());
    for (x, y) in a.iter().zip(b) {
        prop_assert!((x - y).abs() <= tolerance * y.abs().max(1.0), "{} and {}", x, y);
    }
    Ok(())
}

fn message(program: &Program) -> ProgramMessage {
    ProgramMessage::decode(program.encode().as_slice()).unwrap()
}

fn codes(program: &Program) -> Vec<OpCode> {
    message(program)
        .ops
        .iter()
        .map(|op| OpCode::try_from(op.code).unwrap())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn user_tower_compact_equals_tract_and_its_weights(seed in any::<u64>()) {
        let mut dice = Dice::new(seed);
        let embeddings: Vec<EmbeddingWeights> = (0..dice.size(4)).map(|_| dice.table()).collect();
        let (dense_width, output) = (dice.size(6), dice.size(5) + 1);
        let embedded: usize = embeddings.iter().map(|e| e.dim).sum();
        let dense_layers = dice.layers(embedded + dense_width, output);
        let tower = UserTowerWeights { embeddings, dense_layers };
        let tables: Vec<usize> = tower.embeddings.iter().map(|e| e.rows).collect();
        let ids: Vec<Vec<u32>> = (0..ROWS).map(|_| dice.ids(&tables)).collect();
        let dense = dice.floats(ROWS * dense_width);
        let compact = both(&user_tower(&tower), &[Value::Ids(&ids.concat()), Value::Dense(&dense)])?;
        let expected: Vec<f32> = ids.iter().zip(dense.chunks_exact(dense_width)).flat_map(|(c, d)| tower.forward(c, d)).collect();
        close(&compact, &expected, 1e-5)?;
    }

    #[test]
    fn item_tower_compact_equals_tract_and_its_weights(seed in any::<u64>()) {
        let mut dice = Dice::new(seed);
        let (id_table, tag_table, language, rating, channel) = (dice.table(), dice.table(), dice.table(), dice.table(), dice.table());
        let (dense_width, output, max_tags) = (dice.size(6), dice.size(5) + 1, dice.size(5));
        let embedded = id_table.dim + tag_table.dim + language.dim + rating.dim + channel.dim;
        let dense_layers = dice.layers(embedded + dense_width, output);
        let tower = ItemTowerWeights { id_table, tag_table, language, rating, channel, dense_layers };
        let tables = [tower.id_table.rows, tower.id_table.rows, tower.language.rows, tower.rating.rows, tower.channel.rows];
        let ids: Vec<Vec<u32>> = (0..ROWS).map(|_| dice.ids(&tables)).collect();
        let mut tags: Vec<Vec<u32>> = (0..ROWS).map(|_| dice.ids(&vec![tower.tag_table.rows; max_tags])).collect();
        tags[0].fill(0);
        let dense = dice.floats(ROWS * dense_width);
        let inputs = [Value::Ids(&ids.concat()), Value::Ids(&tags.concat()), Value::Dense(&dense)];
        let compact = both(&item_tower(&tower, max_tags), &inputs)?;
        let expected: Vec<f32> = (0..ROWS)
            .flat_map(|r| tower.forward(&ids[r], &tags[r], &dense[r * dense_width..(r + 1) * dense_width]))
            .collect();
        close(&compact, &expected, 1e-5)?;
    }

    #[test]
    fn ranker_compact_equals_tract_and_its_weights(seed in any::<u64>()) {
        let mut dice = Dice::new(seed);
        let width = dice.size(12);
        let std: Vec<f32> = dice.floats(width).iter().map(|v| v.abs() + 0.1).collect();
        let mean = dice.floats(width);
        let standard = dice.floats(ROWS * width);
        let raw = |(i, s): (usize, &f32)| mean[i % width] + 2.0 * s * std[i % width];
        let signals: Vec<f32> = standard.iter().enumerate().map(raw).collect();
        let net = RankerWeights { clip: 1.5, mean, std, dense_layers: dice.layers(width, 2), wide: dice.floats(2 * width) };
        let compact = both(&ranker(&net), &[Value::Dense(&signals)])?;
        let expected: Vec<f32> = signals.chunks_exact(width).flat_map(|row| net.forward(row)).collect();
        close(&compact, &expected, 1e-5)?;
    }

    #[test]
    fn ops_outside_our_own_graphs_agree_too(seed in any::<u64>()) {
        let mut dice = Dice::new(seed);
        let (width, out) = (dice.size(6) + 2, dice.size(5));
        let mut g = GraphBuilder::new("mixed");
        let x = g.input("x", width);
        let y = g.input("y", width);
        let starts = g.integers("starts", &[1], &[1]);
        let ends = g.integers("ends", &[1], &[width as i64]);
        let axes = g.integers("axes", &[1], &[1]);
        let weights = g.weights("weights", &[width, out], &dice.floats(width * out));
        let scale = g.weights("scale", &[1], &[-1.5]);
        let shift = g.weights("shift", &[width], &dice.floats(width));
        let low = g.weights("low", &[], &[-0.5]);
        let high = g.weights("high", &[], &[0.75]);
        let clipped = g.node("Clip", "clipped", &[&x, &low, &high]);
        let sum = g.node("Add", "sum", &[&clipped, &y]);
        let product = g.node("Mul", "product", &[&sum, &x]);
        let difference = g.node("Sub", "difference", &[&product, &y]);
        let shifted = g.node("Sub", "shifted", &[&shift, &difference]);
        let tail = g.node("Slice", "tail", &[&shifted, &starts, &ends, &axes]);
        let square = g.node("Mul", "square", &[&x, &x]);
        let dense = g.node("MatMul", "dense", &[&square, &weights]);
        let scaled = g.node("Mul", "scaled", &[&dense, &scale]);
        let squashed = g.node("Tanh", "squashed", &[&scaled]);
        let gate = g.node("Sigmoid", "gate", &[&tail]);
        let both_parts = g.node_with("Concat", "both", &[&squashed, &gate], &[("axis", 1)]);
        let onnx = g.finish(&both_parts, out + width - 1);
        let (a, b) = (dice.floats(ROWS * width), dice.floats(ROWS * width));
        both(&onnx, &[Value::Dense(&a), Value::Dense(&b)])?;
    }
}

/// Layer norm as one node, and as older exporters write it out.
fn layer_norm(g: &mut GraphBuilder, name: &str, x: &Node, scale: &Node, shift: &Node, written_out: bool) -> Node {
    if !written_out {
        return g.node_with("LayerNormalization", name, &[x, scale, shift], &[("axis", -1)]);
    }
    let label = |part: &str| format!("{name}.{part}");
    let (two, epsilon) = (
        g.weights(&label("two"), &[], &[2.0]),
        g.weights(&label("epsilon"), &[], &[1e-5]),
    );
    let mean = g.reduce("ReduceMean", &label("mean"), x, -1);
    let centred = g.node("Sub", &label("centred"), &[x, &mean]);
    let square = g.node("Pow", &label("square"), &[&centred, &two]);
    let variance = g.reduce("ReduceMean", &label("variance"), &square, -1);
    let above_zero = g.node("Add", &label("above_zero"), &[&variance, &epsilon]);
    let deviation = g.node("Sqrt", &label("deviation"), &[&above_zero]);
    let normed = g.node("Div", &label("normed"), &[&centred, &deviation]);
    let scaled = g.node("Mul", &label("scaled"), &[&normed, scale]);
    g.node("Add", name, &[&scaled, shift])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn layer_norm_and_softmax_agree_with_tract(seed in any::<u64>(), biased: bool, written_out: bool) {
        let mut dice = Dice::new(seed);
        let (width, hidden) = (dice.size(6) + 1, dice.size(9) + 1);
        let mut g = GraphBuilder::new("attentive");
        let x = g.input("x", width);
        let (kernel, offset) = (dice.floats(width * hidden), dice.floats(hidden));
        let weights = g.weights("weights", &[width, hidden], &kernel);
        let mut dense = g.node("MatMul", "dense", &[&x, &weights]);
        if biased {
            let bias = g.weights("bias", &[hidden], &offset);
            dense = g.node("Add", "biased", &[&dense, &bias]);
        }
        let (scale, shift) = (g.weights("scale", &[hidden], &dice.floats(hidden)), g.weights("shift", &[hidden], &dice.floats(hidden)));
        let normed = layer_norm(&mut g, "normed", &dense, &scale, &shift, written_out);
        let y = g.node_with("Softmax", "softmax", &[&normed], &[("axis", 1)]);
        let onnx = g.finish(&y, hidden);
        let program = compile("test", &onnx).unwrap();
        let found = codes(&program);
        prop_assert!([OpCode::Centre, OpCode::RmsNorm, OpCode::Softmax].iter().all(|code| found.contains(code)), "{found:?}");
        let values = dice.floats(ROWS * width);
        let deviations: Vec<f32> = values.chunks_exact(width).map(|row| {
            let of = |h: usize| row.iter().enumerate().map(|(i, v)| v * kernel[i * hidden + h]).sum::<f32>()
                + if biased { offset[h] } else { 0.0 };
            let dense: Vec<f32> = (0..hidden).map(of).collect();
            let mean = dense.iter().sum::<f32>() / hidden as f32;
            (dense.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / hidden as f32 + 1e-5).sqrt()
        }).collect();
        let out = both_divided_by(&onnx, &[Value::Dense(&values)], &deviations)?;
        for row in out.chunks_exact(hidden) {
            prop_assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }
}

#[test]
fn a_softmax_over_the_batch_is_refused() {
    let mut g = GraphBuilder::new("across");
    let x = g.input("x", 3);
    let y = g.node_with("Softmax", "attention.weights", &[&x], &[("axis", 0)]);
    let error = compile("test", &g.finish(&y, 3)).unwrap_err();
    assert_eq!(error.code(), Code::OpUnsupported);
    assert!(error.to_string().contains("attention.weights"), "{error}");
}

fn small_user_tower() -> UserTowerWeights {
    let mut dice = Dice::new(3);
    let embeddings = vec![dice.table(), dice.table()];
    let width = embeddings.iter().map(|e| e.dim).sum::<usize>() + 2;
    let layer = |input, output, dice: &mut Dice| DenseWeights {
        input,
        output,
        weights: dice.floats(input * output),
        bias: dice.floats(output),
    };
    let dense_layers = vec![layer(width, 6, &mut dice), layer(6, 4, &mut dice)];
    UserTowerWeights {
        embeddings,
        dense_layers,
    }
}

#[test]
fn the_user_tower_becomes_the_short_list_of_ops() {
    let program = compile("test", &user_tower(&small_user_tower())).unwrap();
    use OpCode::{Concat, Dense, Gather, L2Norm, Relu};
    assert_eq!(codes(&program), [Gather, Gather, Concat, Dense, Relu, Dense, L2Norm]);
    let biased = message(&program).ops.iter().filter(|op| op.tensors.len() == 2).count();
    assert_eq!(biased, 2, "each bias is part of its dense layer");
}

#[test]
fn the_item_tower_shares_its_id_table_and_averages_tags_in_one_op() {
    let mut dice = Dice::new(5);
    let tables: Vec<EmbeddingWeights> = (0..5).map(|_| dice.table()).collect();
    let width = tables.iter().map(|t| t.dim).sum::<usize>() + 1;
    let [id_table, tag_table, language, rating, channel] = tables.try_into().unwrap();
    let tower = ItemTowerWeights {
        id_table,
        tag_table,
        language,
        rating,
        channel,
        dense_layers: vec![DenseWeights {
            input: width,
            output: 3,
            weights: dice.floats(width * 3),
            bias: dice.floats(3),
        }],
    };
    let program = compile("test", &item_tower(&tower, 4)).unwrap();
    use OpCode::{Add, Concat, Dense, Gather, GatherMean, L2Norm};
    let mut found = codes(&program);
    found.sort_by_key(|code| *code as i32);
    let mut expected = vec![
        Gather, Gather, Add, GatherMean, Gather, Gather, Gather, Concat, Dense, L2Norm,
    ];
    expected.sort_by_key(|code| *code as i32);
    assert_eq!(found, expected);
    assert_eq!(message(&program).tensors.len(), 7, "five tables, weights, bias");
}

#[test]
fn a_batch_fixed_to_one_compiles_to_the_same_program() {
    let dynamic = user_tower(&small_user_tower());
    let mut model = ModelProto::decode(dynamic.as_slice()).unwrap();
    let graph = model.graph.as_mut().unwrap();
    for info in graph.input.iter_mut().chain(&mut graph.output) {
        let Some(type_proto::Value::TensorType(tensor)) = info.r#type.as_mut().unwrap().value.as_mut() else {
            panic!("every input is a tensor");
        };
        tensor.shape.as_mut().unwrap().dim[0].value = Some(dimension::Value::DimValue(1));
    }
    let fixed = compile("test", &model.encode_to_vec()).unwrap();
    assert_eq!(fixed, compile("test", &dynamic).unwrap());
}

#[test]
fn a_clip_is_one_op() {
    let mut g = GraphBuilder::new("clip");
    let x = g.input("x", 3);
    let (low, high) = (g.weights("low", &[], &[-5.0]), g.weights("high", &[], &[5.0]));
    let y = g.node("Clip", "clipped", &[&x, &low, &high]);
    let program = compile("test", &g.finish(&y, 3)).unwrap();
    assert_eq!(codes(&program), [OpCode::Clamp]);
    let out = program
        .run(&[Value::Dense(&[-9.0, 0.5, 9.0])], 1, &mut Scratch::default())
        .unwrap()
        .to_vec();
    assert_eq!(out, [-5.0, 0.5, 5.0]);
}

#[test]
fn an_op_outside_the_set_is_named() {
    let mut g = GraphBuilder::new("outside");
    let x = g.input("x", 3);
    let y = g.node("Sin", "wave", &[&x]);
    let error = compile("test", &g.finish(&y, 3)).unwrap_err();
    assert_eq!(error.code(), Code::OpUnsupported);
    assert!(error.to_string().contains("wave"), "{error}");
}

#[test]
fn ids_may_be_used_as_numbers() {
    let mut g = GraphBuilder::new("ids");
    let x = g.input_ids("x", 3);
    let y = g.node_with("Cast", "as_numbers", &[&x], &[("to", 1)]);
    let program = compile("test", &g.finish(&y, 3)).unwrap();
    let out = program
        .run(&[Value::Ids(&[7, 0, 2])], 1, &mut Scratch::default())
        .unwrap()
        .to_vec();
    assert_eq!(out, [7.0, 0.0, 2.0]);
}

#[test]
fn mixing_rows_of_the_batch_is_refused() {
    let mut g = GraphBuilder::new("across");
    let x = g.input("x", 3);
    let norm = g.reduce("ReduceL2", "across_rows", &x, 0);
    let y = g.node("Div", "divided", &[&x, &norm]);
    let error = compile("test", &g.finish(&y, 3)).unwrap_err();
    assert_eq!(error.code(), Code::OpUnsupported, "{error}");
}

#[test]
fn bytes_that_are_no_onnx_are_refused() {
    for bytes in [&b"no onnx"[..], &[], &[0xff; 64]] {
        assert_eq!(compile("test", bytes).unwrap_err().code(), Code::OnnxInvalid);
    }
    let whole = user_tower(&small_user_tower());
    for cut in [1, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        assert!(compile("test", &whole[..cut]).is_err(), "cut at {cut}");
    }
}
