//! What is known of a value before any row is there.
//!
//! Ids are never negative, so what Keras and JAX do for those, `id + rows · (id < 0)` and its kin, comes to nothing and
//! the lookup behind it is one of ids.

use tract_onnx::prelude::*;

use crate::lower::Operand;
use crate::shape::{RowShape, floats, uniform};
use crate::value::Value;

/// The result of an op on constants alone; none where tract cannot say without rows.
pub fn constant(node: &TypedNode, operands: &[Operand]) -> Option<Value> {
    let constants = operands.iter().map(|operand| match &operand.value {
        Value::Const(tensor) => Some(tensor.clone().into_tvalue()),
        _ => None,
    });
    let constants: TVec<TValue> = constants.collect::<Option<_>>()?;
    if constants.is_empty() {
        return None;
    }
    let results = node.op.eval_out_of_plan(constants).ok()??;
    let result = results.into_iter().next()?;
    Some(Value::Const(result.into_arc_tensor()))
}

/// The result of an op on ids or other whole numbers and a constant, by tract's name of the op.
pub fn whole(name: &str, a: &Operand, b: &Operand, out: &RowShape) -> Option<Value> {
    let (x, constant, name) = match (&a.value, &b.value) {
        (_, Value::Const(constant)) => (a, constant, name),
        (Value::Const(constant), _) => (b, constant, mirrored(name)?),
        _ => return None,
    };
    let is_whole = is_whole_type(constant.datum_type());
    let is_ids = matches!(x.value, Value::Ids(_));
    let same = || (x.shape.width() == out.width()).then(|| x.value.clone());
    match (name, uniform(constant)) {
        ("Mul", Some(0.0)) if is_whole => zeros(constant.datum_type(), out),
        ("Mul" | "Div", Some(1.0)) | ("Add" | "Sub", Some(0.0)) if is_whole => same(),
        ("LT", _) if is_ids && at_most_zero(constant) => zeros(bool::datum_type(), out),
        ("GTE", _) if is_ids && at_most_zero(constant) => ones(out),
        ("Max", _) if is_ids && at_most_zero(constant) => same(),
        _ => None,
    }
}

/// True for whole numbers; tract takes ids for dimensions where an exporter casts them to int64.
pub fn is_whole_type(kind: DatumType) -> bool {
    kind.is_integer() || kind == TDim::datum_type()
}

/// The name of the op with its operands the other way round.
fn mirrored(name: &str) -> Option<&str> {
    match name {
        "Mul" | "Add" | "Max" => Some(name),
        "LT" => Some("GT"),
        "GT" => Some("LT"),
        "LTE" => Some("GTE"),
        "GTE" => Some("LTE"),
        _ => None,
    }
}

fn at_most_zero(constant: &Tensor) -> bool {
    floats(constant).is_some_and(|values| values.iter().all(|v| *v <= 0.0))
}

fn zeros(data_type: DatumType, out: &RowShape) -> Option<Value> {
    let tensor = Tensor::zero_dt(data_type, &out.dims).ok()?;
    Some(Value::Const(tensor.into_arc_tensor()))
}

fn ones(out: &RowShape) -> Option<Value> {
    let tensor = Tensor::from_shape(&out.dims, &vec![true; out.width()]).ok()?;
    Some(Value::Const(tensor.into_arc_tensor()))
}
