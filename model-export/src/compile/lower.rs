//! One node of the typed graph after the other becomes a value, and ops where one is complete.

use std::borrow::Cow;
use std::collections::HashMap;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::DimLike;
use tract_onnx::tract_core::ops::array::{Gather, MultiBroadcastTo, Slice, TypedConcat};
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::change_axes::AxisOp;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer, RmsNorm, Softmax, SoftmaxKind};
use tract_onnx::tract_core::ops::source::TypedSource;
use upnext_core::program::format::{OpCode, ProgramMessage};

use super::arith;
use super::emit::{Emitter, Operands};
use super::load::{LoadedGraph, invalid};
use super::matmul;
use super::shape::{RowShape, floats};
use super::value::{Ids, Norm, Value};
use crate::Error;

/// Why a node is outside the compact set.
#[derive(Debug)]
pub struct Refusal(pub Cow<'static, str>);

impl Refusal {
    /// A reason that is known beforehand.
    pub const fn because(reason: &'static str) -> Self {
        Refusal(Cow::Borrowed(reason))
    }
}

/// A value with its shape.
#[derive(Debug, Clone)]
pub struct Operand {
    /// What it is.
    pub value: Value,
    /// Its axes.
    pub shape: RowShape,
}

/// Lowers a typed, decluttered graph of one output.
///
/// # Errors
/// [`Error::OpUnsupported`] at the first node outside the compact set.
pub fn lower(name: &str, graph: &LoadedGraph) -> Result<ProgramMessage, Error> {
    let mut lowering = Lowering {
        graph,
        emit: Emitter::default(),
        values: HashMap::new(),
    };
    let unreadable = invalid(name);
    let model = &graph.model;
    let outputs = model.output_outlets().map_err(&unreadable)?.to_vec();
    for (outlet, input) in model
        .input_outlets()
        .map_err(&unreadable)?
        .to_vec()
        .into_iter()
        .zip(&graph.inputs)
    {
        let value = lowering
            .input(outlet, input)
            .map_err(|r| refused(model.node(outlet.node), r))?;
        lowering.values.insert(outlet, value);
    }
    for id in model.eval_order().map_err(&unreadable)? {
        let node = model.node(id);
        if node.op_is::<TypedSource>() {
            continue;
        }
        let value = lowering.node(node).map_err(|r| refused(node, r))?;
        lowering.values.insert(OutletId::new(id, 0), value);
    }
    let [output] = outputs.as_slice() else {
        return Err(unreadable(TractError::msg(format!(
            "one output expected, found {}",
            outputs.len()
        ))));
    };
    let result = lowering
        .values
        .get(output)
        .cloned()
        .map(|value| lowering.emit.buffer_of(&value));
    match result {
        Some(Ok(buffer)) => Ok(lowering.emit.finish(buffer)),
        Some(Err(refusal)) => Err(refused(model.node(output.node), refusal)),
        None => Err(unreadable(TractError::msg("no node computes the output"))),
    }
}

fn refused(node: &TypedNode, refusal: Refusal) -> Error {
    Error::OpUnsupported {
        op: format!("node `{}` ({})", node.name, node.op.name()),
        reason: refusal.0.into_owned(),
    }
}

struct Lowering<'g> {
    graph: &'g LoadedGraph,
    emit: Emitter,
    values: HashMap<OutletId, Value>,
}

impl Lowering<'_> {
    fn shape(&self, outlet: OutletId) -> Result<RowShape, Refusal> {
        let fact = self.graph.model.outlet_fact(outlet).ok();
        fact.and_then(|fact| RowShape::of(fact, &self.graph.batch))
            .ok_or(Refusal::because("an axis other than the batch is dynamic"))
    }

    fn operand(&self, outlet: OutletId) -> Result<Operand, Refusal> {
        let constant = self
            .graph
            .model
            .outlet_fact(outlet)
            .ok()
            .and_then(|fact| fact.konst.clone());
        let value = match constant {
            Some(tensor) => Value::Const(tensor),
            None => self
                .values
                .get(&outlet)
                .cloned()
                .ok_or(Refusal::because("it reads a value that is not there"))?,
        };
        Ok(Operand {
            value,
            shape: self.shape(outlet)?,
        })
    }

    fn input(&mut self, outlet: OutletId, name: &str) -> Result<Value, Refusal> {
        let shape = self.shape(outlet)?;
        let width = shape.width();
        let data_type = self.graph.model.outlet_fact(outlet).map(|f| f.datum_type).ok();
        if data_type == Some(f32::datum_type()) {
            Ok(Value::Rows(self.emit.input(name, width, false)))
        } else if data_type == Some(i64::datum_type()) || data_type == Some(i32::datum_type()) {
            Ok(Value::Ids(Ids {
                buffer: self.emit.input(name, width, true),
                columns: (0..width as u32).collect(),
            }))
        } else {
            Err(Refusal::because("inputs are f32, or int64 ids"))
        }
    }

    fn node(&mut self, node: &TypedNode) -> Result<Value, Refusal> {
        let [output] = node.outputs.as_slice() else {
            return Err(Refusal::because("it has several outputs"));
        };
        if let Some(tensor) = &output.fact.konst {
            return Ok(Value::Const(tensor.clone()));
        }
        let out = self.shape(OutletId::new(node.id, 0))?;
        let operands = node
            .inputs
            .iter()
            .map(|o| self.operand(*o))
            .collect::<Result<Vec<_>, _>>()?;
        match operands.as_slice() {
            [x] => self.one(node, x, &out),
            [a, b] => self.two(node, a, b, &out),
            _ => self.many(node, &operands),
        }
    }

    fn one(&mut self, node: &TypedNode, x: &Operand, out: &RowShape) -> Result<Value, Refusal> {
        if let Some(op) = node.op_as::<ElementWiseOp>() {
            return arith::unary(&mut self.emit, &op.0.name(), x);
        }
        if let Some(op) = node.op_as::<Reduce>() {
            return match op.reducer {
                Reducer::Sum => arith::sum(&mut self.emit, x, &op.axes),
                Reducer::MeanOfSquares if x.shape.is_whole_row(&op.axes) => Ok(Value::MeanSquares {
                    of: self.emit.buffer_of(&x.value)?,
                    epsilon: 0.0,
                }),
                _ => Err(Refusal::because(
                    "of the reductions only those that make a norm or a mean are known",
                )),
            };
        }
        if let Some(op) = node.op_as::<RmsNorm>() {
            let epsilon = op.eps.cast_to_scalar::<f32>().ok();
            let epsilon = epsilon.filter(|_| x.shape.is_whole_row(&[op.axis]));
            let least = epsilon.ok_or(Refusal::because("it norms along the batch, or a part of the row"))?;
            let of = self.emit.buffer_of(&x.value)?;
            let code = OpCode::RmsNorm;
            return Ok(arith::normed(&mut self.emit, Norm { code, of, least }));
        }
        if let Some(op) = node.op_as::<Softmax>() {
            if !x.shape.is_whole_row(&op.axes) || op.kind != SoftmaxKind::Softmax || op.quant_output_dt.is_some() {
                return Err(Refusal::because(
                    "a softmax is over the whole row, in f32, and no logarithm",
                ));
            }
            let of = self.emit.buffer_of(&x.value)?;
            let code = OpCode::Softmax;
            return Ok(Value::Rows(self.emit.op(code, &[of], Operands::default(), out.width())));
        }
        if let Some(op) = node.op_as::<Slice>() {
            let bounds = (op.start.to_usize(), op.end.to_usize());
            let (Ok(start), Ok(end)) = bounds else {
                return Err(Refusal::because("its bounds are dynamic"));
            };
            return self.columns(x, op.axis, start, end);
        }
        if let Some(op) = node.op_as::<Cast>() {
            return match &x.value {
                Value::Ids(_) if op.to.is_integer() => Ok(x.value.clone()),
                Value::Present(_) | Value::Rows(_) if op.to == f32::datum_type() => Ok(x.value.clone()),
                _ => Err(Refusal(format!("a cast to {:?} is not known here", op.to).into())),
            };
        }
        if let Some(op) = node.op_as::<AxisOp>() {
            return reshape(op, x, out);
        }
        if node.op_is::<MultiBroadcastTo>() && x.shape.width() == out.width() && x.shape.batch.is_some() {
            return Ok(x.value.clone());
        }
        if node.op_is::<TypedConcat>() {
            return Ok(x.value.clone());
        }
        Err(Refusal::because("this op is not known"))
    }

    fn two(&mut self, node: &TypedNode, a: &Operand, b: &Operand, out: &RowShape) -> Result<Value, Refusal> {
        if let Some(op) = node.op_as::<TypedBinOp>() {
            return arith::binary(&mut self.emit, op.0.name(), a, b, out);
        }
        if let Some(op) = node.op_as::<EinSum>() {
            return matmul::matmul(&mut self.emit, op, a, b, out);
        }
        if let Some(op) = node.op_as::<Gather>() {
            return self.gather(op.axis, a, b);
        }
        self.many(node, &[a.clone(), b.clone()])
    }

    fn many(&mut self, node: &TypedNode, operands: &[Operand]) -> Result<Value, Refusal> {
        let Some(op) = node.op_as::<TypedConcat>() else {
            return Err(Refusal::because("this op is not known"));
        };
        let mut buffers = Vec::with_capacity(operands.len());
        let mut width = 0;
        for operand in operands {
            if !operand.shape.is_outermost(op.axis) {
                return Err(Refusal::because("it joins along an inner axis"));
            }
            let buffer = self.emit.buffer_of(&operand.value)?;
            width += self.emit.width(buffer);
            buffers.push(buffer);
        }
        Ok(Value::Rows(self.emit.op(
            OpCode::Concat,
            &buffers,
            Operands::default(),
            width,
        )))
    }

    fn columns(&mut self, x: &Operand, axis: usize, start: usize, end: usize) -> Result<Value, Refusal> {
        if !x.shape.is_outermost(axis) {
            return Err(Refusal::because("it cuts along the batch or an inner axis"));
        }
        if let Value::Ids(ids) = &x.value {
            let columns = ids
                .columns
                .get(start..end)
                .ok_or(Refusal::because("its bounds are outside the input"))?;
            return Ok(Value::Ids(Ids {
                buffer: ids.buffer,
                columns: columns.to_vec(),
            }));
        }
        let buffer = self.emit.buffer_of(&x.value)?;
        let stride = x.shape.stride(axis);
        let operands = Operands {
            params: vec![(start * stride) as u32, (end * stride) as u32],
            ..Operands::default()
        };
        Ok(Value::Rows(self.emit.op(
            OpCode::Slice,
            &[buffer],
            operands,
            (end - start) * stride,
        )))
    }

    fn gather(&mut self, axis: usize, data: &Operand, indices: &Operand) -> Result<Value, Refusal> {
        match (&data.value, &indices.value) {
            (Value::Const(table), Value::Ids(ids)) if axis == 0 => {
                let (Some(values), [rows, cols]) = (floats(table), table.shape()) else {
                    return Err(Refusal::because("a table is an f32 matrix"));
                };
                Ok(Value::Lookup {
                    table: self.emit.tensor(*rows, *cols, values),
                    ids: ids.clone(),
                })
            }
            (_, Value::Const(chosen)) => {
                let chosen = chosen.cast_to_scalar::<i64>().ok().filter(|_| chosen.len() == 1);
                let length = data.shape.dims.get(axis).copied().unwrap_or(0) as i64;
                let chosen = chosen
                    .map(|i| if i < 0 { i + length } else { i })
                    .filter(|i| (0..length).contains(i));
                let chosen = chosen.ok_or(Refusal::because("it picks several columns, or one outside"))? as usize;
                self.columns(data, axis, chosen, chosen + 1)
            }
            _ => Err(Refusal::because(
                "it is neither a lookup of ids in a constant table nor a fixed column",
            )),
        }
    }
}

/// Axis bookkeeping leaves the flattened row as it is, unless it reorders long axes or moves the batch into a group.
fn reshape(op: &AxisOp, x: &Operand, out: &RowShape) -> Result<Value, Refusal> {
    let kept = match op {
        AxisOp::Add(_) | AxisOp::Rm(_) => true,
        AxisOp::Reshape(..) => x.shape.batch.is_some() == out.batch.is_some(),
        AxisOp::Move(from, to) => {
            let mut order: Vec<usize> = (0..x.shape.dims.len()).collect();
            let moved = order.remove(*from);
            order.insert(*to, moved);
            let long: Vec<usize> = x.shape.long_axes().collect();
            order.retain(|axis| long.contains(axis));
            order == long
        }
    };
    if kept && x.shape.width() == out.width() {
        Ok(x.value.clone())
    } else {
        Err(Refusal::because("it reorders the values of a row"))
    }
}
