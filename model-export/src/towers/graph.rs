//! The differentiated part, in burn tensors: layers, unit length, losses. Device-independent: the
//! caller's [`Device`] decides. Embedding tables stay outside; a batch brings its rows along, and
//! the gradient of those rows comes back.

use burn::tensor::activation::{log_sigmoid, log_softmax, relu};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};

use super::adam::{Adam, TrainedDense};
use super::weights::DenseWeights;
use crate::Error;

/// Squared norms below this count as this, so that the gradient of a zero vector is finite.
/// Its root is [`super::weights::NORM_FLOOR`].
const SQUARE_FLOOR: f64 = 1e-12;

/// A matrix on the device.
#[must_use]
pub fn matrix(values: Vec<f32>, rows: usize, cols: usize, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, [rows, cols]), device)
}

/// Ids on the device.
#[must_use]
pub fn ids(values: Vec<i32>, device: &Device) -> Tensor<1, Int> {
    let len = values.len();
    Tensor::from_data(TensorData::new(values, [len]), device)
}

/// The layers of one tower as leaves of a graph. The first layer comes in two parts: the rows
/// that meet embeddings, and those that meet constant inputs, for which no gradient is needed.
#[derive(Debug)]
pub struct Leaves {
    embedded: Tensor<2>,
    layers: Vec<(Tensor<2>, Tensor<2>)>,
}

impl Leaves {
    /// Puts the layers on the device; the first `embedded` inputs are embeddings.
    #[must_use]
    pub fn new(layers: &[TrainedDense], embedded: usize, device: &Device) -> Leaves {
        let leaf = |values: &[f32], rows, cols| matrix(values.to_vec(), rows, cols, device).require_grad();
        let mut first = leaf(&[], 0, 0);
        let mut leaves = Vec::with_capacity(layers.len());
        for (i, layer) in layers.iter().enumerate() {
            let DenseWeights {
                input,
                output,
                weights,
                bias,
                ..
            } = &layer.value;
            let split = if i == 0 { embedded } else { 0 };
            if i == 0 {
                first = leaf(&weights[..split * output], split, *output);
            }
            leaves.push((
                leaf(&weights[split * output..], input - split, *output),
                leaf(bias, 1, *output),
            ));
        }
        Leaves {
            embedded: first,
            layers: leaves,
        }
    }

    /// Embeddings and constant inputs through the layers, ReLU between them.
    #[must_use]
    pub fn forward(&self, embedded: Tensor<2>, constant: Tensor<2>) -> Tensor<2> {
        let mut x = constant;
        for (i, (weights, bias)) in self.layers.iter().enumerate() {
            let mut y = x.matmul(weights.clone());
            if i == 0 {
                y = y + embedded.clone().matmul(self.embedded.clone());
            }
            y = y + bias.clone();
            x = if i + 1 < self.layers.len() { relu(y) } else { y };
        }
        x
    }

    /// One Adam step of all layers.
    ///
    /// # Errors
    /// [`Error::TrainingDiverged`] where a gradient cannot be read or is not finite.
    pub fn step(
        &self,
        gradients: &mut Gradients,
        adam: &Adam,
        step: u32,
        layers: &mut [TrainedDense],
    ) -> Result<(), Error> {
        for (i, (layer, (weights, bias))) in layers.iter_mut().zip(&self.layers).enumerate() {
            let mut of_weights = match i {
                0 => gradient(&self.embedded, gradients)?,
                _ => Vec::new(),
            };
            of_weights.extend(gradient(weights, gradients)?);
            let of_bias = gradient(bias, gradients)?;
            layer.step(adam, step, &of_weights, &of_bias);
        }
        Ok(())
    }
}

/// The gradient of a leaf, as numbers.
///
/// # Errors
/// [`Error::TrainingDiverged`] where it cannot be read or is not finite.
pub fn gradient(leaf: &Tensor<2>, gradients: &mut Gradients) -> Result<Vec<f32>, Error> {
    let diverged = |at: String| Error::TrainingDiverged { step: "gradient", at };
    let len = leaf.shape().num_elements();
    let Some(gradient) = leaf.grad_remove(gradients) else {
        return Ok(vec![0.0; len]);
    };
    let values = gradient.try_into_vec_as::<f32>().map_err(|e| diverged(e.to_string()))?;
    match values.iter().all(|v| v.is_finite()) {
        true => Ok(values),
        false => Err(diverged("a value that is not finite".to_owned())),
    }
}

/// Rows divided by their length.
#[must_use]
pub fn unit(x: Tensor<2>) -> Tensor<2> {
    let length = (x.clone() * x.clone()).sum_dim(1).add_scalar(SQUARE_FLOOR).sqrt();
    x / length
}

/// Mean sampled softmax: row `i` of `users` should find column `target[i]` of `items` among all
/// columns. `correction` `[rows, columns]` is added to the logits: −ln Q of each column, and a
/// large negative number where a column is another positive of the row.
#[must_use]
pub fn sampled_softmax(
    users: Tensor<2>,
    items: Tensor<2>,
    correction: Tensor<2>,
    target: Tensor<1, Int>,
    temperature: f32,
) -> Tensor<1> {
    let logits = users.div_scalar(temperature).matmul(items.transpose()) + correction;
    let at_target = log_softmax(logits, 1).gather(1, target.unsqueeze_dim(1));
    at_target.mean().neg()
}

/// Logits of pairs: row `users_at[i]` of `users` with row `items_at[i]` of `items`, over the temperature.
#[must_use]
pub fn pair_logits(
    users: Tensor<2>,
    items: Tensor<2>,
    users_at: Tensor<1, Int>,
    items_at: Tensor<1, Int>,
    temperature: f32,
) -> Tensor<2> {
    let pairs = users.select(0, users_at) * items.select(0, items_at);
    pairs.sum_dim(1).div_scalar(temperature)
}

/// Mean binary cross-entropy of logits `[n, 1]` with labels `[n, 1]` in 0..=1 and weights `[n, 1]`.
#[must_use]
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<2>, weights: Tensor<2>) -> Tensor<1> {
    let hit = log_sigmoid(logits.clone()) * labels.clone();
    let miss = log_sigmoid(logits.neg()) * labels.neg().add_scalar(1.0);
    let total = weights.clone().sum();
    ((hit + miss) * weights).sum().neg() / total
}

/// The one number of a loss.
///
/// # Errors
/// [`Error::TrainingDiverged`] where it cannot be read or is not finite.
pub fn scalar(loss: &Tensor<1>, step: &'static str, at: impl FnOnce() -> String) -> Result<f64, Error> {
    match loss.clone().try_into_scalar::<f32>() {
        Ok(value) if value.is_finite() => Ok(f64::from(value)),
        _ => Err(Error::TrainingDiverged { step, at: at() }),
    }
}
