#![allow(clippy::unwrap_used)]
use std::fs;

use serde_json::json;

use super::*;
use crate::text::fixture::{HEADS, INNER, LAYERS, TinyBert, WIDTH};

type Matrix = Vec<Vec<f64>>;

/// The forward pass as the papers write it, token by token in f64, out of the fixture's own tensors.
struct Oracle<'a> {
    model: &'a TinyBert,
    first_position: usize,
    activation: &'a str,
}

impl Oracle<'_> {
    fn row(&self, name: &str, row: usize, width: usize) -> Vec<f64> {
        let values = &self.model.tensors[name].1;
        (0..width).map(|i| f64::from(values[row * width + i])).collect()
    }

    fn linear(&self, name: &str, x: &[f64], output: usize) -> Vec<f64> {
        let bias = self.row(&format!("{name}.bias"), 0, output);
        let weight = |j| self.row(&format!("{name}.weight"), j, x.len());
        (0..output)
            .map(|j| bias[j] + weight(j).iter().zip(x).map(|(w, x)| w * x).sum::<f64>())
            .collect()
    }

    fn norm(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let (scale, shift) = (
            self.row(&format!("{name}.weight"), 0, WIDTH),
            self.row(&format!("{name}.bias"), 0, WIDTH),
        );
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / x.len() as f64;
        (0..x.len())
            .map(|i| (x[i] - mean) / (variance + 1e-5).sqrt() * scale[i] + shift[i])
            .collect()
    }

    fn activate(&self, x: f64) -> f64 {
        match self.activation {
            "relu" => x.max(0.0),
            "gelu_new" => 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh()),
            _ => {
                // Φ by Simpson's rule from 0.
                let n = 2000;
                let step = x / f64::from(n);
                let density = |t: f64| (-t * t / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
                let weight = |i: i32| {
                    if i == 0 || i == n {
                        1.0
                    } else if i % 2 == 1 {
                        4.0
                    } else {
                        2.0
                    }
                };
                let sum: f64 = (0..=n).map(|i| weight(i) * density(f64::from(i) * step)).sum();
                x * (0.5 + sum * step / 3.0)
            }
        }
    }

    fn tokens(&self, ids: &[usize]) -> Matrix {
        let embed = |(i, id): (usize, &usize)| {
            let word = self.row("embeddings.word_embeddings.weight", *id, WIDTH);
            let place = self.row("embeddings.position_embeddings.weight", i + self.first_position, WIDTH);
            let kind = self.row("embeddings.token_type_embeddings.weight", 0, WIDTH);
            let sum: Vec<f64> = (0..WIDTH).map(|k| word[k] + place[k] + kind[k]).collect();
            self.norm("embeddings.LayerNorm", &sum)
        };
        let mut x: Matrix = ids.iter().enumerate().map(embed).collect();
        for layer in 0..LAYERS {
            let name = |part: &str| format!("encoder.layer.{layer}.{part}");
            let all = |part: &str| -> Matrix { x.iter().map(|x| self.linear(&name(part), x, WIDTH)).collect() };
            let (q, k, v) = (
                all("attention.self.query"),
                all("attention.self.key"),
                all("attention.self.value"),
            );
            let part = WIDTH / HEADS;
            let mut next = Vec::new();
            for i in 0..x.len() {
                let mut seen = vec![0.0; WIDTH];
                for head in 0..HEADS {
                    let range = head * part..(head + 1) * part;
                    let score = |j: usize| range.clone().map(|c| q[i][c] * k[j][c]).sum::<f64>() / (part as f64).sqrt();
                    let weights: Vec<f64> = (0..x.len()).map(|j| score(j).exp()).collect();
                    let sum: f64 = weights.iter().sum();
                    for c in range {
                        seen[c] = (0..x.len()).map(|j| weights[j] / sum * v[j][c]).sum();
                    }
                }
                let add = |a: Vec<f64>, b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a + b).collect() };
                let out = self.linear(&name("attention.output.dense"), &seen, WIDTH);
                let mid = self.norm(&name("attention.output.LayerNorm"), &add(out, &x[i]));
                let inner = self.linear(&name("intermediate.dense"), &mid, INNER);
                let inner: Vec<f64> = inner.into_iter().map(|v| self.activate(v)).collect();
                let out = self.linear(&name("output.dense"), &inner, WIDTH);
                next.push(self.norm(&name("output.LayerNorm"), &add(out, &mid)));
            }
            x = next;
        }
        x
    }

    fn vector(&self, ids: &[usize], pooling: &str) -> Vec<f64> {
        let x = self.tokens(ids);
        let column = |k: usize| x.iter().map(move |row| row[k]);
        let pooled: Vec<f64> = (0..WIDTH)
            .map(|k| match pooling {
                "pooling_mode_cls_token" => x[0][k],
                "pooling_mode_max_tokens" => column(k).fold(f64::NEG_INFINITY, f64::max),
                _ => column(k).sum::<f64>() / x.len() as f64,
            })
            .collect();
        let norm = pooled.iter().map(|v| v * v).sum::<f64>().sqrt();
        pooled.iter().map(|v| v / norm).collect()
    }
}

/// Texts with the ids that the fixture's tokenizer must give.
const TEXTS: [(&str, &[usize]); 6] = [
    ("River guitars", &[2, 5, 6, 7, 3]),
    ("  a night, lively!", &[2, 9, 10, 1, 12, 13, 1, 3]),
    ("É", &[2, 11, 3]),
    ("", &[2, 3]),
    ("unknown dance", &[2, 1, 8, 3]),
    // Longer than the model: what is left has its last token.
    (
        "a a a a a a a a a a a a a a a a a a",
        &[2, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 3],
    ),
];

fn encode(encoder: &SentenceEncoder, texts: &[&str]) -> TextVectors {
    encoder
        .encode(texts, &mut VectorStore::in_memory(encoder.dim()))
        .unwrap()
}

#[test]
fn vectors_are_those_of_the_pass_written_down_token_by_token() {
    let cases = [
        ("bert", "gelu", "pooling_mode_mean_tokens"),
        ("bert", "gelu_new", "pooling_mode_max_tokens"),
        ("xlm-roberta", "relu", "pooling_mode_cls_token"),
        ("roberta", "gelu", "pooling_mode_mean_tokens"),
    ];
    for (model_type, activation, pooling) in cases {
        let model = TinyBert::new(model_type, activation, pooling);
        let first_position = if model_type == "bert" { 0 } else { 2 };
        let oracle = Oracle {
            model: &model,
            first_position,
            activation,
        };
        let encoder = SentenceEncoder::open(model.path()).unwrap();
        let vectors = encode(&encoder, &TEXTS.map(|(text, _)| text));
        for ((text, ids), vector) in TEXTS.iter().zip(vectors.rows()) {
            // Two places fewer are left of the positions here.
            let mut ids = ids.to_vec();
            if ids.len() + first_position > 14 {
                ids.drain(1..1 + first_position);
            }
            for (found, wanted) in vector.iter().zip(oracle.vector(&ids, pooling)) {
                let gap = (f64::from(*found) - wanted).abs();
                assert!(
                    gap < 2e-6,
                    "{model_type} {activation} {pooling} {text:?}: {found} and {wanted}"
                );
            }
        }
    }
}

#[test]
fn a_vector_has_the_same_bits_whatever_it_is_batched_with() {
    let model = TinyBert::new("bert", "gelu", "pooling_mode_mean_tokens");
    let encoder = SentenceEncoder::open(model.path()).unwrap();
    let many: Vec<String> = (0..400)
        .map(|i| format!("night {}", "river dance guitar ".repeat(i % 5)))
        .collect();
    let mut texts: Vec<&str> = many.iter().map(String::as_str).collect();
    texts.extend(TEXTS.map(|(text, _)| text));
    let together = encode(&encoder, &texts);
    for (text, vector) in texts.iter().zip(together.rows()) {
        assert_eq!(encode(&encoder, &[text]).values, vector, "{text}");
    }
}

#[test]
fn what_the_store_has_is_not_computed_again() {
    let model = TinyBert::new("bert", "gelu", "pooling_mode_mean_tokens");
    let encoder = SentenceEncoder::open(model.path()).unwrap();
    let kept = tempfile::tempdir().unwrap();
    let open = || VectorStore::open(kept.path(), encoder.hash(), encoder.dim()).unwrap();
    let made = encoder.encode(&["river", "dance", "river"], &mut open()).unwrap();
    assert_eq!(open().len(), 2);
    // A vector that no model would give shows that it came from the store.
    let strange = [7.0; WIDTH];
    open().keep([("guitar", strange.as_slice())].into_iter()).unwrap();
    let again = encoder.encode(&["guitar", "river", "night"], &mut open()).unwrap();
    assert_eq!(again.row(0), strange);
    assert_eq!(again.row(1), made.row(0));
    assert_eq!(open().len(), 4);
}

#[test]
fn another_weight_or_pooling_is_another_model() {
    let hash = |model: &TinyBert| SentenceEncoder::open(model.path()).unwrap().hash().to_owned();
    let mut model = TinyBert::new("bert", "gelu", "pooling_mode_mean_tokens");
    let first = hash(&model);
    assert_eq!(hash(&model), first);
    model.write("1_Pooling/config.json", &json!({ "pooling_mode_max_tokens": true }));
    let second = hash(&model);
    model.tensors.get_mut("embeddings.LayerNorm.bias").unwrap().1[0] += 1.0;
    model.write_tensors("", &model.tensors);
    let third = hash(&model);
    assert!(first != second && second != third);
}

#[test]
fn without_modules_the_mean_is_scaled_to_length_one() {
    let model = TinyBert::new("bert", "gelu", "pooling_mode_mean_tokens");
    let texts = TEXTS.map(|(text, _)| text);
    let with = encode(&SentenceEncoder::open(model.path()).unwrap(), &texts);
    fs::remove_file(model.path().join("modules.json")).unwrap();
    assert_eq!(encode(&SentenceEncoder::open(model.path()).unwrap(), &texts), with);
}

fn refused(model: &TinyBert) -> (String, String) {
    let error = SentenceEncoder::open(model.path()).unwrap_err();
    (error.code().as_str().to_owned(), error.to_string())
}

#[test]
fn a_missing_file_is_named() {
    for name in [
        "config.json",
        "tokenizer.json",
        "model.safetensors",
        "1_Pooling/config.json",
    ] {
        let model = TinyBert::new("bert", "gelu", "pooling_mode_mean_tokens");
        fs::remove_file(model.path().join(name)).unwrap();
        let (code, message) = refused(&model);
        assert_eq!(code, "file-unreadable", "{message}");
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn another_architecture_is_refused_by_name() {
    let change = |name: &str, value: serde_json::Value| {
        let model = TinyBert::new("bert", "gelu", "pooling_mode_mean_tokens");
        let path = model.path().join("config.json");
        let mut config: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        config[name] = value;
        model.write("config.json", &config);
        refused(&model)
    };
    for (name, value, part) in [
        ("model_type", json!("distilbert"), "distilbert"),
        ("hidden_act", json!("swish"), "swish"),
        ("position_embedding_type", json!("relative_key"), "relative_key"),
    ] {
        let (code, message) = change(name, value);
        assert_eq!(code, "text-model-unsupported");
        assert!(message.contains(part), "{message}");
    }
    for (name, value) in [
        ("num_attention_heads", json!(3)),
        ("hidden_size", json!(0)),
        ("hidden_size", json!("wide")),
        ("max_position_embeddings", json!(1)),
        ("hidden_size", json!(16)),
        ("num_hidden_layers", json!(3)),
    ] {
        let (code, message) = change(name, value.clone());
        assert_eq!(code, "text-model-invalid", "{name} {value}: {message}");
    }
    let model = TinyBert::new("bert", "gelu", "pooling_mode_lasttoken");
    assert_eq!(refused(&model).0, "text-model-unsupported");
    let model = TinyBert::new("bert", "gelu", "pooling_mode_mean_tokens");
    model.write(
        "modules.json",
        &json!([{ "type": "sentence_transformers.models.Dense", "path": "2_Dense" }]),
    );
    assert_eq!(refused(&model).0, "text-model-unsupported");
}

#[test]
fn a_tensor_of_another_shape_or_not_finite_is_named() {
    let mut model = TinyBert::new("bert", "gelu", "pooling_mode_mean_tokens");
    let name = "encoder.layer.1.output.dense.weight";
    let good = model.tensors.clone();
    model.tensors.get_mut(name).unwrap().0 = vec![INNER, WIDTH];
    model.write_tensors("", &model.tensors);
    let (code, message) = refused(&model);
    assert_eq!(code, "text-model-invalid");
    assert!(message.contains(name) && message.contains("[8, 12]"), "{message}");
    let mut changed = good.clone();
    changed.get_mut(name).unwrap().1[3] = f32::NAN;
    model.write_tensors("", &changed);
    assert!(refused(&model).1.contains("not finite"));
    let mut changed = good;
    changed.remove(name);
    model.write_tensors("", &changed);
    assert!(refused(&model).1.contains(&format!("no tensor {name}")));
}

#[test]
fn a_file_that_was_cut_short_is_refused_wherever_it_was_cut() {
    let model = TinyBert::new("bert", "gelu", "pooling_mode_mean_tokens");
    for name in ["model.safetensors", "tokenizer.json", "config.json", "modules.json"] {
        let path = model.path().join(name);
        let whole = fs::read(&path).unwrap();
        for cut in [0, 1, 8, whole.len() / 3, whole.len() - 1] {
            fs::write(&path, &whole[..cut]).unwrap();
            let (code, message) = refused(&model);
            assert_eq!(code, "text-model-invalid", "{name}, {cut} bytes: {message}");
        }
        fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn a_token_without_a_row_is_refused() {
    let mut model = TinyBert::new("bert", "gelu", "pooling_mode_mean_tokens");
    let path = model.path().join("config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    config["vocab_size"] = json!(6);
    model.write("config.json", &config);
    let words = model.tensors.get_mut("embeddings.word_embeddings.weight").unwrap();
    *words = (vec![6, WIDTH], words.1[..6 * WIDTH].to_vec());
    model.write_tensors("", &model.tensors);
    let encoder = SentenceEncoder::open(model.path()).unwrap();
    let mut store = VectorStore::in_memory(WIDTH);
    assert!(encoder.encode(&["river"], &mut store).is_ok());
    let error = encoder.encode(&["river dance"], &mut store).unwrap_err();
    assert!(error.to_string().contains("token 8"), "{error}");
}

/// The model that `tests/text_check.py` keeps; its vectors are held to an independent computation there.
#[test]
fn a_real_model_knows_what_is_alike() {
    let cache = std::env::var_os("UPNEXT_CACHE").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/upnext")));
    let Some(directory) = cache.map(|c| c.join("models/all-MiniLM-L6-v2")).filter(|d| d.is_dir()) else {
        println!("skipped: no all-MiniLM-L6-v2 in the cache; tests/text_check.py gets it");
        return;
    };
    let encoder = SentenceEncoder::open(&directory).unwrap();
    let texts = [
        "How to bake bread at home",
        "Homemade loaf recipe",
        "Champions League final highlights",
    ];
    let vectors = encode(&encoder, &texts);
    let dot = |a: usize, b: usize| -> f32 { vectors.row(a).iter().zip(vectors.row(b)).map(|(a, b)| a * b).sum() };
    assert!((dot(0, 0) - 1.0).abs() < 1e-5);
    assert!(dot(0, 1) > 0.5 && dot(0, 2) < 0.2, "{} and {}", dot(0, 1), dot(0, 2));
}
