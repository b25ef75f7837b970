//! Graphs by themselves, without a bundle: read, compiled, run, and slates of candidates that are nothing but vectors.
//!
//! What a page needs that tries somebody's tower: the module with tract reads ONNX anyway, and the compiler is that of
//! the command line, so a page hears of the same op that `upnext-export compile` would name.

use js_sys::{Array, Object};
use upnext_compile::{OnnxRunner, Precision, Wanted};
use upnext_core::diversity::{Method, Tally, UnitRows, select};
use upnext_core::program::kernel::dot;
use upnext_core::program::{Program, Scratch, Value};
use upnext_core::score::{Scored, sort};
use upnext_core::{Error, ErrorKind};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::error::{JsResult, set, thrown, wrong_shape};

/// Most values of all candidates together: 64 MiB.
const MAX_CANDIDATE_VALUES: usize = 1 << 24;

/// What the compiler, or tract, refused.
#[derive(Debug)]
pub struct GraphError(upnext_compile::Error);

impl From<upnext_compile::Error> for GraphError {
    fn from(error: upnext_compile::Error) -> GraphError {
        GraphError(error)
    }
}

impl From<Error> for GraphError {
    fn from(error: Error) -> GraphError {
        GraphError(error.into())
    }
}

impl From<GraphError> for JsValue {
    fn from(GraphError(error): GraphError) -> JsValue {
        thrown(error.code(), &error.to_string())
    }
}

/// An ONNX graph: tract runs it, and the compiler makes a program of it.
#[wasm_bindgen]
pub struct OnnxGraph {
    name: String,
    onnx: Vec<u8>,
    runner: OnnxRunner,
    output_width: usize,
    /// For each input and column, the first id that is too large: known where the graph compiles.
    limits: Option<Vec<Vec<Option<usize>>>>,
}

#[wasm_bindgen]
impl OnnxGraph {
    /// Reads a graph, called `name` in errors, up to its only output, its only output of floats, or the named one.
    ///
    /// # Errors
    /// `onnx-invalid`; `config-invalid` where it is not clear which output is meant.
    #[wasm_bindgen(constructor)]
    pub fn new(name: &str, onnx: &[u8], output: Option<String>) -> Result<OnnxGraph, GraphError> {
        let wanted = Wanted {
            output: output.as_deref(),
            folder: None,
        };
        let onnx = upnext_compile::prepare(name, onnx, wanted)?;
        let runner = OnnxRunner::load(name, &onnx)?;
        Ok(OnnxGraph {
            name: name.to_owned(),
            output_width: runner.output_width()?,
            onnx,
            runner,
            limits: None,
        })
    }

    /// Its inputs, in the order in which `run` takes them.
    #[wasm_bindgen(getter, unchecked_return_type = "GraphInput[]")]
    #[must_use]
    pub fn inputs(&self) -> JsValue {
        let inputs = self.runner.inputs().iter();
        listed(inputs.map(|input| (input.name.as_str(), input.width, input.ids)))
    }

    /// Values of its output.
    #[wasm_bindgen(getter, js_name = outputWidth)]
    #[must_use]
    pub fn output_width(&self) -> usize {
        self.output_width
    }

    /// The bytes of its program, with weights in `f32`, `f16` or `int8`.
    ///
    /// # Errors
    /// `op-unsupported` names the first node outside the compact set, `program-invalid` where the program is too large,
    /// `request-invalid` for another precision.
    pub fn compile(&mut self, precision: &str) -> Result<Vec<u8>, GraphError> {
        let known = [Precision::F32, Precision::F16, Precision::Int8];
        let found = known.into_iter().find(|known| known.as_str() == precision);
        let precision = found.ok_or_else(|| misused("precision", format!("{precision}: there are f32, f16, int8")))?;
        let program = upnext_compile::compile_as(&self.name, &self.onnx, precision)?;
        self.limits = Some(limits(&program));
        Ok(program.encode())
    }

    /// One row through tract: ids and floats of all inputs, each kind in the inputs' order.
    ///
    /// # Errors
    /// `request-invalid` for another number of values, `id-out-of-range` where the graph compiles, `onnx-invalid`.
    pub fn run(&mut self, ids: &[u32], dense: &[f32]) -> Result<Vec<f32>, GraphError> {
        let widths = self.runner.inputs().iter().map(|input| (input.width, input.ids));
        let values = row(widths, ids, dense)?;
        if self.limits.is_none() {
            // tract traps on an id outside its table, and knows no bound that could be asked for.
            let program = upnext_compile::compile(&self.name, &self.onnx);
            self.limits = Some(program.map_or_else(|_| Vec::new(), |program| limits(&program)));
        }
        for (input, (value, limits)) in self.limits.iter().flat_map(|all| values.iter().zip(all)).enumerate() {
            let Value::Ids(ids) = value else { continue };
            for (id, limit) in ids.iter().zip(limits) {
                if let Some(limit) = limit.filter(|limit| *id as usize >= *limit) {
                    let what = self
                        .runner
                        .inputs()
                        .get(input)
                        .map_or("id", |input| input.name.as_str());
                    return Err(Error::from(ErrorKind::IdOutOfRange {
                        what: what.to_owned(),
                        found: i64::from(*id),
                        limit: limit as i64,
                    })
                    .into());
                }
            }
        }
        Ok(self.runner.run(&values, 1)?)
    }
}

/// A compact program, by itself.
#[wasm_bindgen]
pub struct ProgramGraph {
    program: Program,
    scratch: Scratch,
}

#[wasm_bindgen]
impl ProgramGraph {
    /// Reads a program.
    ///
    /// # Errors
    /// `program-invalid`, `bundle-version`.
    #[wasm_bindgen(constructor)]
    pub fn new(program: &[u8]) -> JsResult<ProgramGraph> {
        Ok(ProgramGraph {
            program: Program::decode(program)?,
            scratch: Scratch::default(),
        })
    }

    /// Its inputs, in the order in which `run` takes them.
    #[wasm_bindgen(getter, unchecked_return_type = "GraphInput[]")]
    #[must_use]
    pub fn inputs(&self) -> JsValue {
        let inputs = self.program.inputs().iter();
        listed(inputs.map(|input| (input.name.as_str(), input.width, input.ids)))
    }

    /// Values of its output.
    #[wasm_bindgen(getter, js_name = outputWidth)]
    #[must_use]
    pub fn output_width(&self) -> usize {
        self.program.output_width()
    }

    /// One row: ids and floats of all inputs, each kind in the inputs' order.
    ///
    /// # Errors
    /// `request-invalid` for another number of values, `id-out-of-range`, `not-finite`.
    pub fn run(&mut self, ids: &[u32], dense: &[f32]) -> JsResult<Vec<f32>> {
        let widths = self.program.inputs().iter().map(|input| (input.width, input.ids));
        let values = row(widths, ids, dense)?;
        Ok(self.program.run(&values, 1, &mut self.scratch)?.to_vec())
    }
}

/// Candidates that are known by an id and a vector each.
#[wasm_bindgen]
pub struct Candidates {
    ids: Vec<String>,
    width: usize,
    vectors: Vec<f32>,
    directions: UnitRows,
}

#[wasm_bindgen]
impl Candidates {
    /// Candidates with their vectors, one row after the other.
    ///
    /// # Errors
    /// `request-invalid` where ids and values do not make rows of one width, or are too many; `not-finite`.
    #[wasm_bindgen(constructor)]
    pub fn new(ids: Vec<String>, vectors: Vec<f32>) -> JsResult<Candidates> {
        let width = vectors.len().checked_div(ids.len()).unwrap_or(0);
        if width == 0 || width * ids.len() != vectors.len() {
            let reason = format!("{} values do not make rows of {} candidates", vectors.len(), ids.len());
            return Err(wrong_shape("vectors", reason));
        }
        if vectors.len() > MAX_CANDIDATE_VALUES {
            return Err(wrong_shape(
                "vectors",
                format!("more than {MAX_CANDIDATE_VALUES} values"),
            ));
        }
        if let Some(index) = vectors.iter().position(|value| !value.is_finite()) {
            return Err(Error::from(ErrorKind::NotFinite { what: "vectors", index }).into());
        }
        let mut directions = UnitRows::new(width, ids.len());
        for vector in vectors.chunks_exact(width) {
            directions.push(vector.iter().copied());
        }
        Ok(Candidates {
            ids,
            width,
            vectors,
            directions,
        })
    }

    /// Values of a vector.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The dot product of each candidate's vector with `query`.
    ///
    /// # Errors
    /// `request-invalid` for a query of another width.
    pub fn scores(&self, query: &[f32]) -> JsResult<Vec<f32>> {
        if query.len() != self.width {
            let reason = format!(
                "{} values; the vectors of the candidates have {}",
                query.len(),
                self.width
            );
            return Err(wrong_shape("query", reason));
        }
        let rows = self.vectors.chunks_exact(self.width);
        Ok(rows.map(|vector| dot(query, vector)).collect())
    }

    /// Rows of a slate, best first: the order of `scores`, diversified as every slate is.
    ///
    /// # Errors
    /// `request-invalid` for another number of scores, or a method that there is not.
    pub fn slate(&self, scores: &[f32], size: usize, diversity: f32, method: &str) -> JsResult<Vec<u32>> {
        if scores.len() != self.ids.len() {
            let reason = format!("{} of them for {} candidates", scores.len(), self.ids.len());
            return Err(wrong_shape("scores", reason));
        }
        let found = Method::ALL.into_iter().find(|known| known.as_str() == method);
        let method = found.ok_or_else(|| wrong_shape("method", format!("{method}: there are mmr, dpp, ssd")))?;
        let scored = scores.iter().enumerate().map(|(row, score)| Scored {
            row,
            frozen: *score,
            logit: *score,
            order: *score,
            personal: 0.0,
            fatigue: 0.0,
        });
        let mut order: Vec<Scored> = scored.collect();
        sort(&mut order, |row| self.ids.get(row).map_or("", String::as_str));
        let mut rows = UnitRows::new(self.width, order.len());
        for scored in &order {
            rows.push(self.directions.row(scored.row).iter().copied());
        }
        let relevance: Vec<f32> = order.iter().map(|scored| scored.order).collect();
        let mut spread = method.spread(&rows, order.len());
        let lambda = 1.0 - diversity;
        let mut tally = Tally::new(Default::default(), order.len(), Default::default(), Default::default());
        let picked = select(&relevance, &mut *spread, size, lambda, &mut tally, None);
        Ok(picked
            .iter()
            .filter_map(|at| order.get(*at))
            .map(|scored| scored.row as u32)
            .collect())
    }
}

fn limits(program: &Program) -> Vec<Vec<Option<usize>>> {
    let inputs = 0..program.inputs().len();
    inputs.map(|input| program.id_limits(input).to_vec()).collect()
}

fn listed<'a>(inputs: impl Iterator<Item = (&'a str, usize, bool)>) -> JsValue {
    let inputs = inputs.map(|(name, width, ids)| {
        let input = Object::new();
        set(&input, "name", &name.into());
        set(&input, "width", &(width as u32).into());
        set(&input, "ids", &ids.into());
        input
    });
    inputs.collect::<Array>().into()
}

/// The values of one row, cut from all ids and all floats of it.
fn row<'a>(
    widths: impl Iterator<Item = (usize, bool)>,
    mut ids: &'a [u32],
    mut dense: &'a [f32],
) -> Result<Vec<Value<'a>>, Error> {
    let (all_ids, all_dense) = (ids.len(), dense.len());
    let short = || {
        let reason = format!("{all_ids} ids and {all_dense} floats are not what the graph takes");
        Error::from(ErrorKind::RequestInvalid {
            what: "row".to_owned(),
            reason,
        })
    };
    let mut values = Vec::new();
    for (width, takes_ids) in widths {
        if takes_ids {
            let (own, rest) = ids.split_at_checked(width).ok_or_else(short)?;
            ids = rest;
            values.push(Value::Ids(own));
        } else {
            let (own, rest) = dense.split_at_checked(width).ok_or_else(short)?;
            dense = rest;
            values.push(Value::Dense(own));
        }
    }
    match ids.is_empty() && dense.is_empty() {
        true => Ok(values),
        false => Err(short()),
    }
}

fn misused(what: &str, reason: String) -> Error {
    Error::from(ErrorKind::RequestInvalid {
        what: what.to_owned(),
        reason,
    })
}
