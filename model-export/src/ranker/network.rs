//! A network under training: layers, and for the order a linear path beside them.

use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;

use crate::Error;
use crate::towers::adam::{Adam, TrainedDense};
use crate::towers::graph::{Leaves, matrix, scalar};
use crate::towers::model::layers;
use crate::towers::weights::{DenseWeights, mlp};

/// Layers that learn, the linear path with a step size of its own.
pub(super) struct Network {
    deep: Vec<TrainedDense>,
    adam: Adam,
    wide: Option<([TrainedDense; 1], Adam)>,
    steps: u32,
}

/// What a network learnt.
pub(super) struct Learnt {
    /// ReLU between, the last one linear.
    pub(super) deep: Vec<DenseWeights>,
    /// One for each input and output, row-major; zeros without a linear path.
    pub(super) wide: Vec<f32>,
}

impl Learnt {
    /// The outputs for standardised inputs.
    pub(super) fn outputs(&self, x: &[f32]) -> Vec<f32> {
        let mut outputs = mlp(&self.deep, x);
        let width = outputs.len().max(1);
        for (x, row) in x.iter().zip(self.wide.chunks_exact(width)) {
            outputs.iter_mut().zip(row).for_each(|(output, w)| *output += x * w);
        }
        outputs
    }
}

impl Network {
    /// Through these widths, without a linear path.
    pub(super) fn deep(widths: &[usize], adam: Adam, rng: &mut ChaCha8Rng) -> Network {
        Network {
            deep: layers(widths, rng),
            adam,
            wide: None,
            steps: 0,
        }
    }

    /// With a linear path, and all of it zero at first: the layers then learn what the line cannot say. With random
    /// last layers of their own they begin with an order of their own, and on few offers they keep some of it.
    pub(super) fn wide(widths: &[usize], adam: Adam, rate: f32, rng: &mut ChaCha8Rng) -> Network {
        let mut network = Network::deep(widths, adam, rng);
        if let Some(last) = network.deep.last_mut() {
            last.value.weights.fill(0.0);
        }
        let (input, output) = (first(widths), widths.last().copied().unwrap_or(0));
        let line = TrainedDense::new(DenseWeights {
            input,
            output,
            weights: vec![0.0; input * output],
            bias: vec![0.0; output],
        });
        network.wide = Some(([line], Adam { rate, ..adam }));
        network
    }

    /// One step on rows of inputs; `loss` makes the loss of the outputs, and `epoch` names the place in an error.
    /// Returns the loss.
    pub(super) fn step(
        &mut self,
        inputs: Vec<f32>,
        rows: usize,
        device: &Device,
        epoch: usize,
        loss: impl FnOnce(Tensor<2>) -> Tensor<1>,
    ) -> Result<f64, Error> {
        self.steps += 1;
        let width = inputs.len() / rows.max(1);
        let x = matrix(inputs, rows, width, device);
        let nothing = || matrix(Vec::new(), rows, 0, device);
        let deep = Leaves::new(&self.deep, 0, device);
        let wide = self.wide.as_ref().map(|(line, _)| Leaves::new(line, 0, device));
        let mut logits = deep.forward(nothing(), x.clone());
        if let Some(wide) = &wide {
            logits = logits + wide.forward(nothing(), x);
        }
        let loss = loss(logits);
        let value = scalar(&loss, "ranker training", || format!("epoch {}", epoch + 1))?;
        let mut gradients = loss.backward();
        deep.step(&mut gradients, &self.adam, self.steps, &mut self.deep)?;
        if let (Some(leaves), Some((line, adam))) = (&wide, &mut self.wide) {
            leaves.step(&mut gradients, adam, self.steps, line)?;
        }
        Ok(value)
    }

    /// The weights; those of `held` inputs are zero.
    pub(super) fn finish(self, held: &[bool]) -> Learnt {
        let mut deep: Vec<DenseWeights> = self.deep.into_iter().map(|layer| layer.value).collect();
        let outputs = deep.last().map_or(0, |last| last.output);
        let mut wide = vec![0.0; held.len() * outputs];
        if let Some(([line], _)) = self.wide {
            wide = line.value.weights;
            if let Some(last) = deep.last_mut() {
                last.bias
                    .iter_mut()
                    .zip(&line.value.bias)
                    .for_each(|(b, more)| *b += more);
            }
        }
        if let Some(first) = deep.first_mut() {
            hold(&mut first.weights, first.output, held);
        }
        hold(&mut wide, outputs, held);
        Learnt { deep, wide }
    }
}

fn first(widths: &[usize]) -> usize {
    widths.first().copied().unwrap_or(0)
}

fn hold(weights: &mut [f32], outputs: usize, held: &[bool]) {
    let inputs = weights.chunks_exact_mut(outputs.max(1)).zip(held);
    inputs.filter(|(_, held)| **held).for_each(|(row, _)| row.fill(0.0));
}
