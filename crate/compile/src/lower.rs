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
use tract_onnx::tract_core::ops::logic::Iff;
use tract_onnx::tract_core::ops::nn::{Reduce, RmsNorm, Softmax, SoftmaxKind};
use tract_onnx::tract_core::ops::source::TypedSource;
use upnext_core::program::format::{OpCode, ProgramMessage};

use crate::Error;
use crate::arith;
use crate::emit::{Emitter, Operands};
use crate::known::{self, is_whole_type};
use crate::load::{LoadedGraph, invalid};
use crate::matmul;
use crate::shape::{RowShape, uniform};
use crate::sum::log_softmax;
use crate::value::{Ids, Value};

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
            .map_err(|r| refused(graph, model.node(outlet.node), r))?;
        lowering.values.insert(outlet, value);
    }
    for id in model.eval_order().map_err(&unreadable)? {
        let node = model.node(id);
        if node.op_is::<TypedSource>() {
            continue;
        }
        let value = lowering.node(node).map_err(|r| refused(graph, node, r))?;
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
        Some(Err(refusal)) => Err(refused(graph, model.node(output.node), refusal)),
        None => Err(unreadable(TractError::msg("no node computes the output"))),
    }
}

fn refused(graph: &LoadedGraph, node: &TypedNode, refusal: Refusal) -> Error {
    let own = node.op.name();
    let op = match graph.op_of(&node.name) {
        Some(op) if *op != *own => format!("{op}, here {own}"),
        _ => own.into_owned(),
    };
    Error::OpUnsupported {
        op: format!("node `{}` ({op})", node.name),
        reason: refusal.0.into_owned(),
    }
}

/// A graph on its way to a program.
pub(crate) struct Lowering<'g> {
    graph: &'g LoadedGraph,
    /// The program so far.
    pub(crate) emit: Emitter,
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
            return Err(Refusal::because("this op of several outputs is not known"));
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
        if let Some(value) = known::constant(node, &operands) {
            return Ok(value);
        }
        match operands.as_slice() {
            [x] => self.one(node, x, &out),
            [a, b] => self.two(node, a, b, &out),
            [mask, yes, no] if node.op_is::<Iff>() => {
                let chosen = match &mask.value {
                    Value::Const(mask) => uniform(mask).map(|mask| if mask == 0.0 { no } else { yes }),
                    _ => None,
                };
                if let Some(chosen) = chosen.filter(|chosen| chosen.shape.width() == out.width()) {
                    return Ok(chosen.value.clone());
                }
                let mask = arith::full(&mut self.emit, mask, &out)?;
                let (yes, no) = (
                    arith::full(&mut self.emit, yes, &out)?,
                    arith::full(&mut self.emit, no, &out)?,
                );
                let operands = Operands::default();
                Ok(Value::Rows(self.emit.op(
                    OpCode::Select,
                    &[mask, yes, no],
                    operands,
                    out.width(),
                )))
            }
            _ => self.many(node, &operands),
        }
    }

    fn one(&mut self, node: &TypedNode, x: &Operand, out: &RowShape) -> Result<Value, Refusal> {
        if let Some(op) = node.op_as::<ElementWiseOp>() {
            return arith::unary(&mut self.emit, op.0.as_ref(), x);
        }
        if let Some(op) = node.op_as::<Reduce>() {
            return self.reduce(op, x);
        }
        if let Some(op) = node.op_as::<RmsNorm>() {
            let epsilon = op.eps.cast_to_scalar::<f32>().ok();
            let least = epsilon.ok_or(Refusal::because("its epsilon is no number"))?;
            return self.along(x, &[op.axis], |emit, groups| {
                let code = OpCode::RmsNorm;
                emit.grouped(code, groups, vec![least.max(f32::MIN_POSITIVE)])
            });
        }
        if let Some(op) = node.op_as::<Softmax>() {
            if op.quant_output_dt.is_some() {
                return Err(Refusal::because("a softmax is in f32"));
            }
            let logarithm = matches!(op.kind, SoftmaxKind::LogSoftmax);
            return self.along(x, &op.axes, |emit, groups| {
                if logarithm {
                    log_softmax(emit, groups)
                } else {
                    emit.grouped(OpCode::Softmax, groups, vec![])
                }
            });
        }
        if let Some(op) = node.op_as::<Slice>() {
            let bounds = (op.start.to_usize(), op.end.to_usize());
            let (Ok(start), Ok(end)) = bounds else {
                return Err(Refusal::because("its bounds are dynamic"));
            };
            return self.columns(x, op.axis, start, end);
        }
        if let Some(op) = node.op_as::<Cast>() {
            return self.cast(node, op, x);
        }
        if let Some(op) = node.op_as::<AxisOp>() {
            return self.reshape(op, x, out);
        }
        if node.op_is::<MultiBroadcastTo>() {
            if x.shape.width() == out.width() {
                return Ok(x.value.clone());
            }
            return arith::full(&mut self.emit, x, out).map(Value::Rows);
        }
        if node.op_is::<TypedConcat>() {
            return Ok(x.value.clone());
        }
        Err(Refusal::because("this op is not known"))
    }

    fn two(&mut self, node: &TypedNode, a: &Operand, b: &Operand, out: &RowShape) -> Result<Value, Refusal> {
        if let Some(op) = node.op_as::<TypedBinOp>() {
            if op.0.name() == "Div" && !node.outputs.iter().all(|o| o.fact.datum_type.is_float()) {
                return Err(Refusal::because("a division of whole numbers"));
            }
            return match known::whole(op.0.name(), a, b, out) {
                Some(value) => Ok(value),
                None => arith::binary(&mut self.emit, op.0.name(), a, b, out),
            };
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
        match node.op_as::<TypedConcat>() {
            Some(op) => self.concat(op, operands),
            None => Err(Refusal::because("this op is not known")),
        }
    }

    fn cast(&mut self, node: &TypedNode, op: &Cast, x: &Operand) -> Result<Value, Refusal> {
        let from = node
            .inputs
            .first()
            .and_then(|outlet| self.graph.model.outlet_fact(*outlet).ok());
        let from = from.map(|fact| fact.datum_type);
        let is_whole = |kind: DatumType| is_whole_type(kind) || kind == bool::datum_type();
        match &x.value {
            // As floats too they are still known to be ids: they become numbers where an op needs them.
            Value::Ids(_) if is_whole_type(op.to) || op.to.is_float() => Ok(x.value.clone()),
            value if op.to == bool::datum_type() && from != Some(bool::datum_type()) => {
                let zero = self.emit.buffer_of(value)?;
                let zero = self.emit.not(zero);
                Ok(Value::Rows(self.emit.not(zero)))
            }
            value if op.to.is_float() || from.is_some_and(is_whole) => Ok(value.clone()),
            _ => Err(Refusal(format!("a cast to {:?} is not known here", op.to).into())),
        }
    }
}
