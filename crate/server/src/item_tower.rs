//! The item tower of a bundle, run by tract: what turns a new video into its vector.

use std::sync::Arc;

use tract_onnx::prelude::*;
use upnext_core::feature::spec::FeatureSpec;
use upnext_core::feature::{EncodedItem, ItemLayout, VideoFeatures, encode_item};
use upnext_core::text::Folding;
use upnext_core::{Error, ErrorKind};

/// Names of the graph's inputs, in the order in which they are given.
const INPUTS: [&str; 3] = ["categorical", "tags", "dense"];

/// The graph, made ready for one row at a time.
pub struct ItemTower {
    plan: Arc<TypedRunnableModel>,
    /// For each input of the graph, which of [`INPUTS`] it is.
    order: Vec<usize>,
    width: usize,
}

impl std::fmt::Debug for ItemTower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ItemTower")
    }
}

impl ItemTower {
    /// Reads the graph and runs it once on the highest rows of its tables, so that a graph of another spec is
    /// found here and not when a video arrives.
    ///
    /// # Errors
    /// [`Error::OnnxInvalid`] for a graph that tract cannot run on this spec's inputs, or that answers with another
    /// width than `vector_dim`.
    pub fn load(onnx: &[u8], spec: &FeatureSpec) -> Result<ItemTower, Error> {
        let layout = ItemLayout::new(spec);
        let tower = read(onnx, &layout, spec.vector_dim as usize).map_err(invalid)?;
        let last = |rows: u32| rows.saturating_sub(1);
        let probe = EncodedItem {
            categorical: layout.categorical.iter().map(|column| last(column.rows)).collect(),
            tags: vec![last(layout.tags.rows); layout.max_tags],
            dense: vec![0.0; layout.dense],
        };
        tower.run(&probe)?;
        Ok(tower)
    }

    /// The vector of a video.
    ///
    /// # Errors
    /// [`Error::OnnxInvalid`], [`Error::NotFinite`]; none for a graph that was loaded and finite weights.
    pub fn vector(&self, spec: &FeatureSpec, folding: &Folding, video: &VideoFeatures<'_>) -> Result<Vec<f32>, Error> {
        let vector = self.run(&encode_item(spec, folding, video))?;
        match vector.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(Error::from(ErrorKind::NotFinite {
                what: "item vector",
                index,
            })),
            None => Ok(vector),
        }
    }

    fn run(&self, item: &EncodedItem) -> Result<Vec<f32>, Error> {
        let run = || -> TractResult<Vec<f32>> {
            let ids = |rows: &[u32]| -> TractResult<Tensor> {
                let wide: Vec<i64> = rows.iter().map(|row| i64::from(*row)).collect();
                Tensor::from_shape(&[1, rows.len()], &wide)
            };
            let mut values = TVec::new();
            for input in &self.order {
                let tensor = match input {
                    0 => ids(&item.categorical)?,
                    1 => ids(&item.tags)?,
                    _ => Tensor::from_shape(&[1, item.dense.len()], &item.dense)?,
                };
                values.push(tensor.into_tvalue());
            }
            let outputs = self.plan.run(values)?;
            let output = outputs.first().ok_or_else(|| TractError::msg("no output"))?;
            Ok(output.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
        };
        let vector = run().map_err(invalid)?;
        if vector.len() != self.width {
            return Err(Error::from(ErrorKind::OnnxInvalid {
                reason: format!("the item tower answers {} values, not {}", vector.len(), self.width),
            }));
        }
        Ok(vector)
    }
}

fn read(mut onnx: &[u8], layout: &ItemLayout, width: usize) -> TractResult<ItemTower> {
    let mut model = tract_onnx::onnx()
        .with_ignore_output_shapes(true)
        .model_for_read(&mut onnx)?;
    let widths = [layout.categorical.len(), layout.max_tags, layout.dense];
    let mut order = Vec::new();
    for (index, outlet) in model.input_outlets()?.to_vec().into_iter().enumerate() {
        let name = model.node(outlet.node).name.clone();
        let input = INPUTS
            .iter()
            .position(|known| *known == name)
            .ok_or_else(|| TractError::msg(format!("no input of an item tower is called {name}")))?;
        let kind = if input == 2 {
            f32::datum_type()
        } else {
            i64::datum_type()
        };
        model.set_input_fact(
            index,
            InferenceFact::dt_shape(kind, [1_usize.to_dim(), widths[input].to_dim()]),
        )?;
        order.push(input);
    }
    for index in 0..model.output_outlets()?.len() {
        model.set_output_fact(index, InferenceFact::default())?;
    }
    let plan = model.into_typed()?.into_optimized()?.into_runnable()?;
    Ok(ItemTower { plan, order, width })
}

fn invalid(error: TractError) -> Error {
    Error::from(ErrorKind::OnnxInvalid {
        reason: format!("item tower: {error:#}"),
    })
}
