//! `model.safetensors` as matrices that are ready to be multiplied by.

use std::fs;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors};

use super::config::Shape;
use crate::Error;
use crate::linear::Packed;

/// `x · Wᵀ + b`.
#[derive(Debug)]
pub(super) struct Linear {
    pub weight: Packed,
    pub bias: Vec<f32>,
}

/// Scale and shift after standardising a token's vector.
#[derive(Debug)]
pub(super) struct Norm {
    pub scale: Vec<f32>,
    pub shift: Vec<f32>,
}

/// One layer.
#[derive(Debug)]
pub(super) struct Layer {
    /// Queries ‖ keys ‖ values, by one product.
    pub attention: Linear,
    pub attention_out: Linear,
    pub attention_norm: Norm,
    pub inner: Linear,
    pub out: Linear,
    pub out_norm: Norm,
}

/// The model's weights.
#[derive(Debug)]
pub(super) struct Weights {
    /// A row for each token id.
    pub words: Vec<f32>,
    /// A row for each place in a text, the first token type's row added.
    pub places: Vec<f32>,
    pub norm: Norm,
    pub layers: Vec<Layer>,
}

impl Weights {
    /// Reads the file; every tensor's shape is held to the configuration.
    pub fn read(directory: &Path, shape: &Shape) -> Result<Weights, Error> {
        let path = directory.join("model.safetensors");
        let bytes = fs::read(&path).map_err(Error::file(&path))?;
        let tensors = Tensors::new(&path, &bytes, &shape.prefix)?;
        let (width, inner) = (shape.width, shape.inner);
        let mut places = tensors.read("embeddings.position_embeddings.weight", &[shape.positions, width])?;
        let types = tensors.read("embeddings.token_type_embeddings.weight", &[shape.types, width])?;
        places.drain(..shape.first_position * width);
        for place in places.chunks_exact_mut(width) {
            place.iter_mut().zip(&types).for_each(|(p, t)| *p += t);
        }
        let layer = |i: usize| {
            let name = |part: &str| format!("encoder.layer.{i}.{part}");
            let [query, key, value] = ["query", "key", "value"].map(|part| name(&format!("attention.self.{part}")));
            Ok(Layer {
                attention: tensors.linear(&[&query, &key, &value], width, width)?,
                attention_out: tensors.linear(&[&name("attention.output.dense")], width, width)?,
                attention_norm: tensors.norm(&name("attention.output.LayerNorm"), width)?,
                inner: tensors.linear(&[&name("intermediate.dense")], width, inner)?,
                out: tensors.linear(&[&name("output.dense")], inner, width)?,
                out_norm: tensors.norm(&name("output.LayerNorm"), width)?,
            })
        };
        Ok(Weights {
            words: tensors.read("embeddings.word_embeddings.weight", &[shape.vocabulary, width])?,
            places,
            norm: tensors.norm("embeddings.LayerNorm", width)?,
            layers: (0..shape.layers).map(layer).collect::<Result<_, Error>>()?,
        })
    }
}

struct Tensors<'a> {
    path: PathBuf,
    file: SafeTensors<'a>,
    prefix: &'a str,
}

impl<'a> Tensors<'a> {
    fn new(path: &Path, bytes: &'a [u8], prefix: &'a str) -> Result<Tensors<'a>, Error> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| Error::TextModelInvalid {
            path: path.to_path_buf(),
            reason: format!("cut short, or not safetensors: {error}"),
        })?;
        Ok(Tensors {
            path: path.to_path_buf(),
            file,
            prefix,
        })
    }

    fn read(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>, Error> {
        let invalid = |reason: String| Error::TextModelInvalid {
            path: self.path.clone(),
            reason,
        };
        let prefixed = format!("{}{name}", self.prefix);
        let found = self.file.tensor(name).or_else(|_| self.file.tensor(&prefixed));
        let tensor = found.map_err(|_| invalid(format!("no tensor {name}")))?;
        if tensor.shape() != expected {
            let found = tensor.shape();
            return Err(invalid(format!(
                "tensor {name} is {found:?}, config.json says {expected:?}"
            )));
        }
        let bytes = tensor.data();
        let values: Vec<f32> = match tensor.dtype() {
            Dtype::F32 => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Dtype::F16 => bytes
                .as_chunks()
                .0
                .iter()
                .map(|b| f16::from_le_bytes(*b).to_f32())
                .collect(),
            Dtype::BF16 => bytes
                .as_chunks()
                .0
                .iter()
                .map(|b| bf16::from_le_bytes(*b).to_f32())
                .collect(),
            other => {
                return Err(invalid(format!(
                    "tensor {name} is of {other:?}; read are F32, F16, BF16"
                )));
            }
        };
        match values.iter().all(|v| v.is_finite()) {
            true => Ok(values),
            false => Err(invalid(format!("tensor {name} is not finite"))),
        }
    }

    /// One product for the layers of these names, which all have `input` values in and `output` values out.
    fn linear(&self, names: &[&str], input: usize, output: usize) -> Result<Linear, Error> {
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        for name in names {
            weight.extend(self.read(&format!("{name}.weight"), &[output, input])?);
            bias.extend(self.read(&format!("{name}.bias"), &[output])?);
        }
        Ok(Linear {
            weight: Packed::transposed(&weight, input),
            bias,
        })
    }

    fn norm(&self, name: &str, width: usize) -> Result<Norm, Error> {
        Ok(Norm {
            scale: self.read(&format!("{name}.weight"), &[width])?,
            shift: self.read(&format!("{name}.bias"), &[width])?,
        })
    }
}
