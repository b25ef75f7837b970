//! What the directory's JSON files say about the model.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// `model_type` values that are computed alike; they differ in where positions begin and in the prefix of their tensors.
const SUPPORTED: [&str; 3] = ["bert", "roberta", "xlm-roberta"];

/// Non-linearity between the two products of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    /// `x · Φ(x)`, by the error function.
    Gelu,
    /// Its approximation by the hyperbolic tangent.
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
}

/// How the vectors of tokens become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pooling {
    /// Mean over all tokens, the special ones included.
    Mean,
    /// The first token's.
    First,
    /// The largest value in each place.
    Max,
}

/// Everything about the model but its weights.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shape {
    /// Prefix that tensors may have in the file.
    pub prefix: String,
    /// Rows of the word table.
    pub vocabulary: usize,
    /// Width of a token's vector.
    pub width: usize,
    /// Number of layers.
    pub layers: usize,
    /// Attention heads; they divide the width.
    pub heads: usize,
    /// Width between the two products of a layer.
    pub inner: usize,
    /// Rows of the position table.
    pub positions: usize,
    /// Row of the first token in it.
    pub first_position: usize,
    /// Rows of the table of token types; all tokens are of the first.
    pub types: usize,
    /// Added to the variance.
    pub epsilon: f32,
    /// Non-linearity.
    pub activation: Activation,
    /// Pooling.
    pub pooling: Pooling,
    /// Whether vectors are scaled to length 1.
    pub unit_length: bool,
    /// Tokens of a text that count, the special ones included.
    pub max_tokens: usize,
    /// Whether text is put into lower case before it is cut into tokens.
    pub lower_case: bool,
}

#[derive(Deserialize)]
struct ModelFile {
    model_type: String,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    vocab_size: usize,
    #[serde(default = "two")]
    type_vocab_size: usize,
    #[serde(default = "tiny")]
    layer_norm_eps: f32,
    #[serde(default = "gelu")]
    hidden_act: String,
    #[serde(default)]
    pad_token_id: usize,
    position_embedding_type: Option<String>,
}

fn two() -> usize {
    2
}

fn tiny() -> f32 {
    1e-12
}

fn gelu() -> String {
    "gelu".to_owned()
}

#[derive(Deserialize)]
struct ModuleFile {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    path: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PoolingFile {
    pooling_mode_cls_token: bool,
    pooling_mode_mean_tokens: bool,
    pooling_mode_max_tokens: bool,
    pooling_mode_mean_sqrt_len_tokens: bool,
    pooling_mode_weightedmean_tokens: bool,
    pooling_mode_lasttoken: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SentenceFile {
    max_seq_length: Option<usize>,
    do_lower_case: bool,
}

impl Shape {
    /// Reads `config.json` and, where they are there, `modules.json`, the pooling's and the sentence's configuration.
    pub fn read(directory: &Path) -> Result<Shape, Error> {
        let path = directory.join("config.json");
        let file: ModelFile = parse(&path, &fs::read(&path).map_err(Error::file(&path))?)?;
        let unsupported = |reason: String| Error::TextModelUnsupported {
            path: path.clone(),
            reason,
        };
        if !SUPPORTED.contains(&file.model_type.as_str()) {
            let known = SUPPORTED.join(", ");
            return Err(unsupported(format!(
                "model_type {:?}; read are {known}",
                file.model_type
            )));
        }
        if let Some(kind) = file.position_embedding_type.filter(|kind| kind != "absolute") {
            return Err(unsupported(format!(
                "position_embedding_type {kind:?}; read is absolute"
            )));
        }
        let activation = match file.hidden_act.as_str() {
            "gelu" => Activation::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" => Activation::GeluTanh,
            "relu" => Activation::Relu,
            other => {
                return Err(unsupported(format!(
                    "hidden_act {other:?}; read are gelu, gelu_new, relu"
                )));
            }
        };
        // RoBERTa counts positions from behind the padding's.
        let first_position = if file.model_type == "bert" {
            0
        } else {
            file.pad_token_id + 1
        };
        let sentence: SentenceFile = optional(&directory.join("sentence_bert_config.json"))?.unwrap_or_default();
        let room = file.max_position_embeddings.saturating_sub(first_position);
        let (pooling, unit_length) = pooling(directory)?;
        let shape = Shape {
            prefix: format!("{}.", file.model_type.replace("xlm-", "")),
            vocabulary: file.vocab_size,
            width: file.hidden_size,
            layers: file.num_hidden_layers,
            heads: file.num_attention_heads,
            inner: file.intermediate_size,
            positions: file.max_position_embeddings,
            first_position,
            types: file.type_vocab_size,
            epsilon: file.layer_norm_eps,
            activation,
            pooling,
            unit_length,
            max_tokens: sentence.max_seq_length.unwrap_or(room).min(room),
            lower_case: sentence.do_lower_case,
        };
        shape.check().map_err(|reason| Error::TextModelInvalid {
            path: path.clone(),
            reason,
        })?;
        Ok(shape)
    }

    fn check(&self) -> Result<(), String> {
        let sizes = [
            self.vocabulary,
            self.width,
            self.heads,
            self.inner,
            self.positions,
            self.types,
        ];
        if sizes.contains(&0) {
            return Err("a size is 0".to_owned());
        }
        if !self.width.is_multiple_of(self.heads) {
            return Err(format!("{} heads do not divide a width of {}", self.heads, self.width));
        }
        if self.max_tokens < 2 {
            return Err(format!("{} tokens leave no room for a text", self.max_tokens));
        }
        match self.epsilon.is_finite() && self.epsilon >= 0.0 {
            true => Ok(()),
            false => Err(format!("layer_norm_eps is {}", self.epsilon)),
        }
    }
}

/// Pooling and whether vectors get length 1, as `modules.json` lists it.
fn pooling(directory: &Path) -> Result<(Pooling, bool), Error> {
    let path = directory.join("modules.json");
    let Some(modules) = optional::<Vec<ModuleFile>>(&path)? else {
        return Ok((Pooling::Mean, true));
    };
    let (mut pooling, mut unit_length) = (Pooling::Mean, false);
    for module in modules {
        match module.kind.rsplit('.').next() {
            Some("Transformer") => {}
            Some("Pooling") => {
                let path = directory.join(&module.path).join("config.json");
                pooling = mode(&path, &parse(&path, &fs::read(&path).map_err(Error::file(&path))?)?)?;
            }
            Some("Normalize") => unit_length = true,
            _ => {
                return Err(Error::TextModelUnsupported {
                    path,
                    reason: format!("module {}; read are Transformer, Pooling, Normalize", module.kind),
                });
            }
        }
    }
    Ok((pooling, unit_length))
}

fn mode(path: &Path, file: &PoolingFile) -> Result<Pooling, Error> {
    let others = [
        file.pooling_mode_mean_sqrt_len_tokens,
        file.pooling_mode_weightedmean_tokens,
        file.pooling_mode_lasttoken,
    ];
    let known = [
        (file.pooling_mode_mean_tokens, Pooling::Mean),
        (file.pooling_mode_cls_token, Pooling::First),
        (file.pooling_mode_max_tokens, Pooling::Max),
    ];
    let mut wanted = known.into_iter().filter(|(on, _)| *on).map(|(_, pooling)| pooling);
    match (wanted.next(), wanted.next(), others.contains(&true)) {
        (Some(pooling), None, false) => Ok(pooling),
        _ => Err(Error::TextModelUnsupported {
            path: path.to_path_buf(),
            reason: "pooling; read is one of mean, cls and max".to_owned(),
        }),
    }
}

fn optional<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    match fs::read(path) {
        Ok(bytes) => parse(path, &bytes).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file(path)(error)),
    }
}

fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::TextModelInvalid {
        path: path.to_path_buf(),
        reason: error.to_string(),
    })
}
