//! From token ids to vectors: embeddings, layers of attention and two products, pooling.

use super::activation::activate;
use super::config::{Pooling, Shape};
use super::weights::{Layer, Linear, Norm, Weights};
use crate::linear::{Kernel, add_scaled, dot, with_simd};

impl Weights {
    /// Vectors of texts, given as token ids, on one thread; a row of `shape.width` values for each.
    pub fn forward(&self, shape: &Shape, texts: &[&[u32]]) -> Vec<f32> {
        let mut x = self.embed(shape, texts);
        for layer in &self.layers {
            layer.forward(shape, texts, &mut x);
        }
        let mut vectors = vec![0.0; texts.len() * shape.width];
        let mut tokens = x.as_slice();
        for (text, vector) in texts.iter().zip(vectors.chunks_exact_mut(shape.width)) {
            let (own, rest) = tokens.split_at(text.len() * shape.width);
            pool(shape.pooling, own, vector);
            if shape.unit_length {
                let norm = vector.iter().map(|v| v * v).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
                vector.iter_mut().for_each(|v| *v /= norm);
            }
            tokens = rest;
        }
        vectors
    }

    fn embed(&self, shape: &Shape, texts: &[&[u32]]) -> Vec<f32> {
        let width = shape.width;
        let mut x = Vec::with_capacity(texts.iter().map(|text| text.len()).sum::<usize>() * width);
        for text in texts {
            for (id, place) in text.iter().zip(self.places.chunks_exact(width)) {
                let word = &self.words[*id as usize * width..][..width];
                x.extend(word.iter().zip(place).map(|(w, p)| w + p));
            }
        }
        self.norm.apply(shape.epsilon, &mut x);
        x
    }
}

impl Layer {
    fn forward(&self, shape: &Shape, texts: &[&[u32]], x: &mut [f32]) {
        let all = self.attention.forward(x);
        let mut seen = vec![0.0; x.len()];
        let (mut all, mut out) = (all.as_slice(), seen.as_mut_slice());
        for text in texts {
            let (own, rest) = all.split_at(text.len() * 3 * shape.width);
            let (own_out, rest_out) = std::mem::take(&mut out).split_at_mut(text.len() * shape.width);
            with_simd(Attend {
                all: own,
                width: shape.width,
                heads: shape.heads,
                out: own_out,
            });
            (all, out) = (rest, rest_out);
        }
        add(x, &self.attention_out.forward(&seen));
        self.attention_norm.apply(shape.epsilon, x);
        let mut inner = self.inner.forward(x);
        activate(shape.activation, &mut inner);
        add(x, &self.out.forward(&inner));
        self.out_norm.apply(shape.epsilon, x);
    }
}

impl Linear {
    fn forward(&self, x: &[f32]) -> Vec<f32> {
        let rows = x.len() / self.weight.depth();
        let mut y = self.bias.repeat(rows);
        self.weight.add_product(x, &mut y);
        y
    }
}

impl Norm {
    /// Every row less its mean, divided by its standard deviation, scaled and shifted.
    fn apply(&self, epsilon: f32, x: &mut [f32]) {
        with_simd(Standardise { norm: self, epsilon, x });
    }
}

struct Standardise<'a> {
    norm: &'a Norm,
    epsilon: f32,
    x: &'a mut [f32],
}

impl Kernel for Standardise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let width = self.norm.scale.len();
        let ones = vec![1.0; width];
        for row in self.x.chunks_exact_mut(width) {
            let mean = dot::<FMA>(row, &ones) / width as f32;
            row.iter_mut().for_each(|v| *v -= mean);
            let variance = dot::<FMA>(row, row) / width as f32;
            let factor = 1.0 / (variance + self.epsilon).sqrt();
            for ((v, scale), shift) in row.iter_mut().zip(&self.norm.scale).zip(&self.norm.shift) {
                *v = *v * factor * scale + shift;
            }
        }
    }
}

/// What every token of one text sees of the text's tokens.
struct Attend<'a> {
    /// Rows of query ‖ key ‖ value.
    all: &'a [f32],
    width: usize,
    heads: usize,
    out: &'a mut [f32],
}

impl Kernel for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Attend { all, width, heads, out } = self;
        let part = width / heads;
        let scale = 1.0 / (part as f32).sqrt();
        let mut weights = vec![0.0; all.len() / (3 * width)];
        for head in 0..heads {
            let at = head * part;
            let rows = || all.chunks_exact(3 * width);
            for (row, out) in rows().zip(out.chunks_exact_mut(width)) {
                let query = &row[at..at + part];
                for (weight, other) in weights.iter_mut().zip(rows()) {
                    *weight = scale * dot::<FMA>(query, &other[width + at..][..part]);
                }
                softmax(&mut weights);
                for (weight, other) in weights.iter().zip(rows()) {
                    add_scaled::<FMA>(&mut out[at..at + part], *weight, &other[2 * width + at..][..part]);
                }
            }
        }
    }
}

#[inline(always)]
fn softmax(values: &mut [f32]) {
    let peak = values.iter().fold(f32::NEG_INFINITY, |m, v| m.max(*v));
    values.iter_mut().for_each(|v| *v = (*v - peak).exp());
    let sum: f32 = values.iter().sum();
    values.iter_mut().for_each(|v| *v /= sum);
}

fn add(x: &mut [f32], y: &[f32]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}

/// One vector out of those of a text's tokens.
fn pool(pooling: Pooling, tokens: &[f32], vector: &mut [f32]) {
    let width = vector.len();
    match pooling {
        Pooling::First => vector.copy_from_slice(&tokens[..width]),
        Pooling::Max => {
            vector.fill(f32::NEG_INFINITY);
            for token in tokens.chunks_exact(width) {
                vector.iter_mut().zip(token).for_each(|(v, t)| *v = v.max(*t));
            }
        }
        Pooling::Mean => {
            for token in tokens.chunks_exact(width) {
                add(vector, token);
            }
            let count = (tokens.len() / width) as f32;
            vector.iter_mut().for_each(|v| *v /= count);
        }
    }
}
