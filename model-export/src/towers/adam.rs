//! Adam, for whole layers and, lazily, for the rows of a table that a batch touched.

use super::weights::{DenseWeights, EmbeddingWeights};

/// Step size and decays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// Step size.
    pub rate: f32,
    /// L2 pull towards zero, added to the gradient.
    pub l2: f32,
}

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Running moments of a parameter.
#[derive(Debug, Clone, Default)]
pub struct Moments {
    mean: Vec<f32>,
    square: Vec<f32>,
}

impl Moments {
    /// Moments of `len` values, zero.
    #[must_use]
    pub fn new(len: usize) -> Moments {
        Moments {
            mean: vec![0.0; len],
            square: vec![0.0; len],
        }
    }
}

impl Adam {
    /// One step, the `step`-th of these values, counted from 1.
    fn apply(&self, step: u32, values: &mut [f32], gradient: &[f32], mean: &mut [f32], square: &mut [f32]) {
        let exponent = step.min(1 << 20) as i32;
        let rate = self.rate / (1.0 - BETA_1.powi(exponent));
        let root = 1.0 / (1.0 - BETA_2.powi(exponent));
        for (((value, g), m), s) in values.iter_mut().zip(gradient).zip(mean).zip(square) {
            let g = g + self.l2 * *value;
            *m = BETA_1 * *m + (1.0 - BETA_1) * g;
            *s = BETA_2 * *s + (1.0 - BETA_2) * g * g;
            *value -= rate * *m / ((*s * root).sqrt() + EPSILON);
        }
    }

    /// One step of a whole parameter.
    pub fn step(&self, step: u32, values: &mut [f32], gradient: &[f32], moments: &mut Moments) {
        self.apply(step, values, gradient, &mut moments.mean, &mut moments.square);
    }
}

/// A dense layer under training.
#[derive(Debug, Clone)]
pub struct TrainedDense {
    /// The weights.
    pub value: DenseWeights,
    weights: Moments,
    bias: Moments,
}

impl TrainedDense {
    /// Starts from these weights.
    #[must_use]
    pub fn new(value: DenseWeights) -> TrainedDense {
        TrainedDense {
            weights: Moments::new(value.weights.len()),
            bias: Moments::new(value.bias.len()),
            value,
        }
    }

    /// One step of both; the bias is not pulled towards zero.
    pub fn step(&mut self, adam: &Adam, step: u32, weights: &[f32], bias: &[f32]) {
        adam.step(step, &mut self.value.weights, weights, &mut self.weights);
        let free = Adam { l2: 0.0, ..*adam };
        free.step(step, &mut self.value.bias, bias, &mut self.bias);
    }
}

/// An embedding table under training: a row moves, and counts its steps, only when a batch has it.
#[derive(Debug, Clone)]
pub struct TrainedTable {
    /// The table.
    pub value: EmbeddingWeights,
    moments: Moments,
    steps: Vec<u32>,
    /// Gradient of the rows in `touched`; zeros elsewhere.
    gradient: Vec<f32>,
    touched: Vec<u32>,
    is_touched: Vec<bool>,
}

impl TrainedTable {
    /// Starts from this table.
    #[must_use]
    pub fn new(value: EmbeddingWeights) -> TrainedTable {
        TrainedTable {
            moments: Moments::new(value.values.len()),
            steps: vec![0; value.rows],
            gradient: vec![0.0; value.values.len()],
            touched: Vec::new(),
            is_touched: vec![false; value.rows],
            value,
        }
    }

    /// Adds `weight × gradient` to the gradient of a row.
    pub fn add(&mut self, row: u32, weight: f32, gradient: &[f32]) {
        let (at, dim) = (row as usize, self.value.dim);
        if !self.is_touched[at] {
            self.is_touched[at] = true;
            self.touched.push(row);
        }
        for (sum, g) in self.gradient[at * dim..(at + 1) * dim].iter_mut().zip(gradient) {
            *sum += weight * g;
        }
    }

    /// One step of the touched rows; their gradients are zero again afterwards.
    pub fn step(&mut self, adam: &Adam) {
        let dim = self.value.dim;
        for row in self.touched.drain(..) {
            let at = row as usize;
            let range = at * dim..(at + 1) * dim;
            self.steps[at] += 1;
            self.is_touched[at] = false;
            adam.apply(
                self.steps[at],
                &mut self.value.values[range.clone()],
                &self.gradient[range.clone()],
                &mut self.moments.mean[range.clone()],
                &mut self.moments.square[range.clone()],
            );
            self.gradient[range].fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADAM: Adam = Adam { rate: 0.1, l2: 0.0 };

    #[test]
    fn the_first_step_is_the_rate_against_the_gradients_sign_whatever_its_size() {
        let mut moments = Moments::new(3);
        let mut values = [1.0, 1.0, 1.0];
        ADAM.step(1, &mut values, &[5.0, -1e-3, 0.0], &mut moments);
        assert!((values[0] - 0.9).abs() < 1e-4 && (values[1] - 1.1).abs() < 1e-4 && values[2] == 1.0);
    }

    #[test]
    fn it_finds_the_bottom_of_a_bowl() {
        let (mut x, mut moments) = ([4.0_f32], Moments::new(1));
        for step in 1..=300 {
            let gradient = [2.0 * (x[0] - 1.5)];
            ADAM.step(step, &mut x, &gradient, &mut moments);
        }
        assert!((x[0] - 1.5).abs() < 0.01);
    }

    #[test]
    fn rows_that_no_batch_has_stay_and_a_late_row_takes_a_full_first_step() {
        let mut table = TrainedTable::new(EmbeddingWeights {
            rows: 3,
            dim: 1,
            values: vec![1.0; 3],
        });
        for _ in 0..50 {
            table.add(0, 1.0, &[1.0]);
            table.step(&ADAM);
        }
        table.add(2, 0.5, &[1.0]);
        table.add(2, 0.5, &[1.0]);
        table.step(&ADAM);
        assert_eq!(table.value.values[1], 1.0);
        assert!((table.value.values[2] - 0.9).abs() < 1e-4);
    }
}
