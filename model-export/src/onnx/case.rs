//! Known answers of a graph, from another runtime or from tract, and how far a compact program is from them.

use std::path::Path;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use upnext_core::program::{Program, Scratch, Value};

use super::OnnxRunner;
use super::vectors::InputVectors;
use crate::Error;

/// Largest difference to another engine of a program in f32; relative where a value is above 1.
pub const TOLERANCE: f64 = 1e-5;

/// Rows of a graph's inputs and what comes out of them.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    /// Rows of every input and of the output.
    pub rows: usize,
    /// Inputs, by name.
    pub inputs: Vec<InputVectors>,
    /// The output, row-major.
    pub expected: Vec<f32>,
}

/// How far two outputs are from each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Largest difference, relative where the expected value is above 1; infinite where lengths differ, or one of the
    /// two is no finite number and the other is not the same.
    pub largest: f64,
    /// Cosine of the two, all rows one after the other.
    pub cosine: f64,
}

impl Case {
    /// Reads a case: `{"rows", "inputs": [{"name", "width", "ids" or "dense"}], "expected"}`.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn read(path: &Path) -> Result<Case, Error> {
        let bytes = std::fs::read(path).map_err(Error::file(path))?;
        serde_json::from_slice(&bytes).map_err(Error::file(path))
    }

    /// Seeded rows that `program` takes, with the answers of tract on the ONNX graph, called `name` in errors.
    ///
    /// # Errors
    /// Those of [`OnnxRunner`].
    pub fn of_tract(name: &str, onnx: &[u8], program: &Program, rows: usize, seed: u64) -> Result<Case, Error> {
        let runner = OnnxRunner::load(name, onnx)?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let inputs: Vec<InputVectors> = (runner.inputs().iter().enumerate())
            .map(|(index, input)| InputVectors::seeded(input, program.id_limits(index), rows, &mut rng))
            .collect();
        let values: Vec<Value<'_>> = inputs.iter().map(InputVectors::value).collect();
        let expected = runner.run(&values, rows)?;
        Ok(Case { rows, inputs, expected })
    }

    /// How far a program is from the case.
    ///
    /// # Errors
    /// `request-invalid` where the case lacks an input of the program, and those of [`Program::run`].
    pub fn agreement(&self, program: &Program) -> Result<Agreement, Error> {
        let absent = Value::Dense(&[]);
        let named = |name: &str| self.inputs.iter().find(|input| input.name == name);
        let values: Vec<Value<'_>> = (program.inputs().iter())
            .map(|input| named(&input.name).map_or(absent, InputVectors::value))
            .collect();
        let mut scratch = Scratch::default();
        Ok(Agreement::of(
            program.run(&values, self.rows, &mut scratch)?,
            &self.expected,
        ))
    }
}

impl Agreement {
    /// How far `found` is from `expected`.
    #[must_use]
    pub fn of(found: &[f32], expected: &[f32]) -> Agreement {
        let pairs = || {
            let wide = |(a, b): (&f32, &f32)| (f64::from(*a), f64::from(*b));
            found.iter().zip(expected).map(wide)
        };
        let apart = |(a, b): (f64, f64)| match (a - b).abs() / b.abs().max(1.0) {
            distance if distance.is_finite() => distance,
            _ if a == b || a.is_nan() && b.is_nan() => 0.0,
            _ => f64::INFINITY,
        };
        let largest = match found.len() == expected.len() {
            true => pairs().map(apart).fold(0.0, f64::max),
            false => f64::INFINITY,
        };
        let dot = |of: fn((f64, f64)) -> f64| pairs().map(of).sum::<f64>();
        let lengths = (dot(|(a, _)| a * a) * dot(|(_, b)| b * b)).sqrt();
        let cosine = match lengths > 0.0 {
            true => dot(|(a, b)| a * b) / lengths,
            false => f64::from(u8::from(largest == 0.0)),
        };
        Agreement { largest, cosine }
    }
}

impl std::fmt::Display for Agreement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "largest difference {:.1e}, cosine {:.9}", self.largest, self.cosine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_relative_above_one_and_what_is_no_number_is_infinitely_far() {
        assert_eq!(Agreement::of(&[100.0, 0.5], &[101.0, 0.5]).largest, 1.0 / 101.0);
        assert_eq!(Agreement::of(&[0.25], &[0.5]).largest, 0.25);
        assert_eq!(Agreement::of(&[1.0], &[1.0, 2.0]).largest, f64::INFINITY);
        assert_eq!(Agreement::of(&[f32::NAN], &[1.0]).largest, f64::INFINITY);
        assert_eq!(Agreement::of(&[f32::INFINITY], &[f32::INFINITY]).largest, 0.0);
        assert_eq!(
            Agreement::of(&[f32::INFINITY], &[f32::NEG_INFINITY]).largest,
            f64::INFINITY
        );
    }

    #[test]
    fn a_cosine_is_that_of_all_values() {
        assert!((Agreement::of(&[3.0, 4.0], &[6.0, 8.0]).cosine - 1.0).abs() < 1e-12);
        assert!(Agreement::of(&[1.0, 0.0], &[0.0, 1.0]).cosine.abs() < 1e-12);
        assert_eq!(Agreement::of(&[0.0], &[0.0]).cosine, 1.0);
        assert_eq!(Agreement::of(&[0.0], &[1.0]).cosine, 0.0);
    }
}
