//! The engine of `upnext/onnx`: tract runs the bundle's ONNX graphs, whatever ops they have.
//!
//! tract traps on an id outside its table, and a trapped module is dead. So ids are held to the rows
//! that the feature spec gives their column, and when the graph is loaded every table is held to the
//! same number: each lookup is traced back to the column that it reads.

use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::DimLike;
use tract_onnx::tract_core::ops::array::{Gather, Slice};
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::change_axes::AxisOp;
use tract_onnx::tract_hir::infer::Factoid;
use upnext_core::bundle::ClientBundle;
use upnext_core::engine::{Engine, HEADS};
use upnext_core::feature::{Column, EncodedUser, UserLayout};
use upnext_core::head::Said;
use upnext_core::signal::SIGNAL_COUNT;
use upnext_core::{Error, ErrorKind};

/// The input of ids, and that of floats, of the user tower.
const TOWER_INPUTS: [&str; 2] = ["categorical", "dense"];
const RANKER_INPUTS: [&str; 1] = ["signals"];

/// Both graphs of a bundle, optimised by tract.
pub struct TractEngine {
    user_tower: Graph,
    ranker: Graph,
    layout: UserLayout,
    vector_dim: usize,
}

impl TractEngine {
    /// Reads the graphs of a bundle that was assembled for `EngineKind::Onnx`.
    ///
    /// # Errors
    /// `OnnxInvalid` where tract does not read a graph or a table is smaller than the spec's column,
    /// `BundleInconsistent` where inputs or outputs do not fit the spec.
    pub fn new(bundle: &ClientBundle) -> Result<TractEngine, Error> {
        let spec = &bundle.model.spec;
        let layout = UserLayout::new(spec);
        let (columns, dense) = (layout.categorical.len(), layout.dense);
        let user_tower = Graph::load(
            &bundle.user_tower,
            &TOWER_INPUTS,
            &[columns, dense],
            &layout.categorical,
        )?;
        let ranker = Graph::load(&bundle.ranker, &RANKER_INPUTS, &[SIGNAL_COUNT], &[])?;
        Ok(TractEngine {
            user_tower,
            ranker,
            vector_dim: spec.vector_dim as usize,
            layout,
        })
    }

    fn check_ids(&self, ids: &[u32]) -> Result<(), Error> {
        for (Column { name, rows }, id) in self.layout.categorical.iter().zip(ids) {
            if id >= rows {
                return Err(Error::from(ErrorKind::IdOutOfRange {
                    what: (*name).to_owned(),
                    found: i64::from(*id),
                    limit: i64::from(*rows),
                }));
            }
        }
        Ok(())
    }
}

impl Engine for TractEngine {
    fn user_vector(&mut self, user: &EncodedUser) -> Result<Vec<f32>, Error> {
        expect(
            "categorical features",
            self.layout.categorical.len(),
            user.categorical.len(),
        )?;
        expect("dense features", self.layout.dense, user.dense.len())?;
        self.check_ids(&user.categorical)?;
        check_finite("dense features", &user.dense)?;
        let ids: Vec<i64> = user.categorical.iter().map(|id| i64::from(*id)).collect();
        let ids = Tensor::from_shape(&[1, ids.len()], &ids).map_err(invalid)?;
        let dense = Tensor::from_shape(&[1, user.dense.len()], &user.dense).map_err(invalid)?;
        let vector = self.user_tower.run([ids, dense])?;
        expect("width of the user vector", self.vector_dim, vector.len())?;
        Ok(vector)
    }

    fn rank(&mut self, signals: &[f32], rows: usize) -> Result<Vec<f32>, Error> {
        expect("signals", rows.saturating_mul(SIGNAL_COUNT), signals.len())?;
        check_finite("signals", signals)?;
        if rows == 0 {
            return Ok(Vec::new());
        }
        let signals = Tensor::from_shape(&[rows, SIGNAL_COUNT], signals).map_err(invalid)?;
        let logits = self.ranker.run([signals])?;
        if !Said::WIDTHS
            .iter()
            .any(|width| rows.saturating_mul(*width) == logits.len())
        {
            expect("logits", rows.saturating_mul(HEADS.len()), logits.len())?;
        }
        Ok(logits)
    }
}

/// One optimised graph, and where it takes which input.
struct Graph {
    plan: Arc<TypedRunnableModel>,
    /// Position of each named input among the graph's own.
    order: Vec<usize>,
}

impl Graph {
    /// Reads a graph with the inputs `names` of `widths` values a row; the first of them looks up tables of `columns`.
    fn load(mut onnx: &[u8], names: &[&str], widths: &[usize], columns: &[Column]) -> Result<Graph, Error> {
        let mut model = tract_onnx::onnx().model_for_read(&mut onnx).map_err(invalid)?;
        let outlets = model.input_outlets().map_err(invalid)?.to_vec();
        expect("inputs of an ONNX graph", names.len(), outlets.len())?;
        let mut order = Vec::with_capacity(names.len());
        for (name, width) in names.iter().zip(widths) {
            let found = outlets.iter().position(|outlet| model.node(outlet.node).name == *name);
            let index = found.ok_or_else(|| refuse(format!("it lacks the input {name}")))?;
            let fact = model.input_fact(index).map_err(invalid)?;
            let found = fact
                .shape
                .dims()
                .nth(1)
                .and_then(Factoid::concretize)
                .and_then(|d| d.to_usize().ok());
            expect("width of an input of an ONNX graph", *width, found.unwrap_or(0))?;
            order.push(index);
        }
        let model = model
            .into_typed()
            .and_then(|model| model.into_decluttered())
            .map_err(invalid)?;
        check_tables(&model, columns)?;
        let plan = model
            .into_optimized()
            .and_then(|model| model.into_runnable())
            .map_err(invalid)?;
        Ok(Graph { plan, order })
    }

    fn run<const N: usize>(&self, inputs: [Tensor; N]) -> Result<Vec<f32>, Error> {
        let mut values: Vec<(usize, TValue)> = self
            .order
            .iter()
            .copied()
            .zip(inputs.into_iter().map(Tensor::into_tvalue))
            .collect();
        values.sort_by_key(|(index, _)| *index);
        let outputs = self
            .plan
            .run(values.into_iter().map(|(_, value)| value).collect())
            .map_err(invalid)?;
        let output = outputs.first().ok_or_else(|| refuse("it has no output".to_owned()))?;
        let values = output
            .try_as_plain_ram()
            .and_then(|view| view.as_slice::<f32>().map(<[f32]>::to_vec));
        values.map_err(invalid)
    }
}

/// Every lookup by an input's ids reads a table with a row for every id that its column may have.
fn check_tables(model: &TypedModel, columns: &[Column]) -> Result<(), Error> {
    for node in model.nodes().iter().filter(|node| node.op_is::<Gather>()) {
        let [data, indices] = node.inputs.as_slice() else {
            continue;
        };
        let constant = |outlet: OutletId| model.outlet_fact(outlet).ok().and_then(|fact| fact.konst.clone());
        if constant(*indices).is_some() {
            continue;
        }
        let axis = node.op_as::<Gather>().map_or(0, |gather| gather.axis);
        let rows = constant(*data).and_then(|table| table.shape().get(axis).copied());
        let rows = rows.ok_or_else(|| refuse(format!("node {} looks up what is no table", node.name)))?;
        let (first, last) = traced(model, *indices, columns.len())
            .ok_or_else(|| refuse(format!("node {}: cannot tell which ids it looks up", node.name)))?;
        let needed = columns[first..last].iter().map(|column| column.rows).max().unwrap_or(0);
        if rows < needed as usize {
            return Err(refuse(format!(
                "node {} has a table of {rows} rows, the spec has {needed}",
                node.name
            )));
        }
    }
    Ok(())
}

/// The columns of the ids input that an outlet carries, as a range.
fn traced(model: &TypedModel, outlet: OutletId, columns: usize) -> Option<(usize, usize)> {
    let node = model.node(outlet.node);
    if model.input_outlets().ok()?.contains(&outlet) {
        return (node.name == TOWER_INPUTS[0]).then_some((0, columns));
    }
    let source = *node.inputs.first()?;
    let (first, last) = traced(model, source, columns)?;
    if let Some(slice) = node.op_as::<Slice>() {
        let (start, end) = (slice.start.to_usize().ok()?, slice.end.to_usize().ok()?);
        return (slice.axis == 1 && first + end <= last).then_some((first + start, first + end));
    }
    if let Some(gather) = node.op_as::<Gather>() {
        let chosen = model.outlet_fact(*node.inputs.get(1)?).ok()?.konst.clone()?;
        let chosen = usize::try_from(chosen.cast_to_scalar::<i64>().ok()?).ok()?;
        return (gather.axis == 1 && first + chosen < last).then_some((first + chosen, first + chosen + 1));
    }
    let keeps_values = node.op_as::<Cast>().is_some_and(|cast| cast.to.is_integer())
        || matches!(node.op_as::<AxisOp>(), Some(AxisOp::Add(_) | AxisOp::Rm(_)));
    keeps_values.then_some((first, last))
}

fn invalid(error: TractError) -> Error {
    refuse(format!("{error:#}"))
}

fn refuse(reason: String) -> Error {
    Error::from(ErrorKind::OnnxInvalid { reason })
}

fn expect(what: &str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found {
        return Ok(());
    }
    Err(Error::from(ErrorKind::BundleInconsistent {
        what: what.to_owned(),
        expected: expected.to_string(),
        found: found.to_string(),
    }))
}

fn check_finite(what: &'static str, values: &[f32]) -> Result<(), Error> {
    match values.iter().position(|v| !v.is_finite()) {
        Some(index) => Err(Error::from(ErrorKind::NotFinite { what, index })),
        None => Ok(()),
    }
}
