//! A sentence encoder of a few hundred random weights in Hugging Face's layout.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const WIDTH: usize = 8;
pub const INNER: usize = 12;
pub const HEADS: usize = 2;
pub const LAYERS: usize = 2;
pub const POSITIONS: usize = 14;
const WORDS: [&str; 14] = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "river", "guitar", "##s", "dance", "a", "night", "é", "live", "##ly",
];

/// The directory, and the weights that its file has.
pub struct TinyBert {
    pub dir: TempDir,
    pub tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl TinyBert {
    /// A model of this `model_type` and `hidden_act`, pooling by this mode of `1_Pooling/config.json`.
    pub fn new(model_type: &str, activation: &str, pooling: &str) -> TinyBert {
        let types = if model_type == "bert" { 2 } else { 1 };
        let mut shapes = vec![
            ("embeddings.word_embeddings.weight".to_owned(), vec![WORDS.len(), WIDTH]),
            (
                "embeddings.position_embeddings.weight".to_owned(),
                vec![POSITIONS, WIDTH],
            ),
            ("embeddings.token_type_embeddings.weight".to_owned(), vec![types, WIDTH]),
        ];
        let mut linear = |name: String, input: usize, output: usize| {
            shapes.push((format!("{name}.weight"), vec![output, input]));
            shapes.push((format!("{name}.bias"), vec![output]));
        };
        for i in 0..LAYERS {
            for part in ["self.query", "self.key", "self.value", "output.dense"] {
                linear(format!("encoder.layer.{i}.attention.{part}"), WIDTH, WIDTH);
            }
            linear(format!("encoder.layer.{i}.intermediate.dense"), WIDTH, INNER);
            linear(format!("encoder.layer.{i}.output.dense"), INNER, WIDTH);
        }
        let norms = (0..LAYERS)
            .flat_map(|i| ["attention.output", "output"].map(|part| format!("encoder.layer.{i}.{part}.LayerNorm")));
        for name in norms.chain(["embeddings.LayerNorm".to_owned()]) {
            shapes.push((format!("{name}.weight"), vec![WIDTH]));
            shapes.push((format!("{name}.bias"), vec![WIDTH]));
        }
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let tensors = shapes.into_iter().map(|(name, shape)| {
            let values = (0..shape.iter().product())
                .map(|_| rng.random_range(-1.0..1.0))
                .collect();
            (name, (shape, values))
        });
        let model = TinyBert {
            dir: tempfile::tempdir().unwrap(),
            tensors: tensors.collect(),
        };
        model.write("config.json", &config(model_type, activation, types));
        model.write("tokenizer.json", &tokenizer());
        let kind = |name: &str| format!("sentence_transformers.models.{name}");
        model.write(
            "modules.json",
            &json!([
                { "idx": 0, "name": "0", "path": "", "type": kind("Transformer") },
                { "idx": 1, "name": "1", "path": "1_Pooling", "type": kind("Pooling") },
                { "idx": 2, "name": "2", "path": "2_Normalize", "type": kind("Normalize") },
            ]),
        );
        model.write(
            "1_Pooling/config.json",
            &json!({ "word_embedding_dimension": WIDTH, pooling: true }),
        );
        // Some files carry the architecture's name before every tensor.
        model.write_tensors(if model_type == "bert" { "" } else { "roberta." }, &model.tensors);
        model
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, name: &str, value: &Value) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value.to_string()).unwrap();
    }

    /// Writes `model.safetensors`.
    pub fn write_tensors(&self, prefix: &str, tensors: &BTreeMap<String, (Vec<usize>, Vec<f32>)>) {
        let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
            .iter()
            .map(|(name, (shape, values))| {
                let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                (format!("{prefix}{name}"), shape.clone(), bytes)
            })
            .collect();
        let views = bytes.iter().map(|(name, shape, bytes)| {
            (
                name.as_str(),
                TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap(),
            )
        });
        let file = safetensors::serialize(views, None).unwrap();
        fs::write(self.path().join("model.safetensors"), file).unwrap();
    }
}

fn config(model_type: &str, activation: &str, types: usize) -> Value {
    json!({
        "model_type": model_type, "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "intermediate_size": INNER, "max_position_embeddings": POSITIONS, "vocab_size": WORDS.len(),
        "type_vocab_size": types, "layer_norm_eps": 1e-5, "hidden_act": activation,
        "pad_token_id": if model_type == "bert" { 0 } else { 1 },
    })
}

/// WordPiece as BERT has it. It asks for padding to 8 and truncation to 4, which the encoder must not do.
fn tokenizer() -> Value {
    let special = |i: usize| {
        json!({ "id": i, "content": WORDS[i], "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true })
    };
    let vocabulary: serde_json::Map<String, Value> = WORDS
        .iter()
        .enumerate()
        .map(|(i, word)| ((*word).to_owned(), json!(i)))
        .collect();
    let token = |name: &str| json!({ "SpecialToken": { "id": name, "type_id": 0 } });
    json!({
        "version": "1.0",
        "truncation": { "max_length": 4, "strategy": "LongestFirst", "stride": 0 },
        "padding": { "strategy": { "Fixed": 8 }, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
                     "pad_type_id": 0, "pad_token": "[PAD]" },
        "added_tokens": [special(0), special(1), special(2), special(3), special(4)],
        "normalizer": { "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                        "strip_accents": false, "lowercase": true },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [token("[CLS]"), { "Sequence": { "id": "A", "type_id": 0 } }, token("[SEP]")],
            "pair": [token("[CLS]"), { "Sequence": { "id": "A", "type_id": 0 } }, token("[SEP]"),
                     { "Sequence": { "id": "B", "type_id": 1 } }],
            "special_tokens": {
                "[CLS]": { "id": "[CLS]", "ids": [2], "tokens": ["[CLS]"] },
                "[SEP]": { "id": "[SEP]", "ids": [3], "tokens": ["[SEP]"] },
            },
        },
        "decoder": { "type": "WordPiece", "prefix": "##", "cleanup": true },
        "model": { "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                   "max_input_chars_per_word": 100, "vocab": vocabulary },
    })
}
