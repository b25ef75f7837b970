//! Ops along axes of a row, and the axes themselves.

use tract_onnx::tract_core::ops::change_axes::AxisOp;
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer};
use upnext_core::program::format::OpCode;

use crate::emit::Emitter;
use crate::lower::{Lowering, Operand, Refusal};
use crate::shape::RowShape;
use crate::sum;
use crate::value::{Groups, Value};

impl Lowering<'_> {
    /// An op along axes of the row, which are brought to its end and back.
    pub(crate) fn along(
        &mut self,
        x: &Operand,
        axes: &[usize],
        op: impl FnOnce(&mut Emitter, Groups) -> u32,
    ) -> Result<Value, Refusal> {
        if x.shape.batch.is_some_and(|batch| axes.contains(&batch)) {
            return Err(Refusal::because("it reaches over the rows of the batch"));
        }
        let of = self.emit.buffer_of(&x.value)?;
        let len = axes.iter().filter_map(|axis| x.shape.dims.get(*axis)).product();
        let (moved, back) = sum::last_axes(&mut self.emit, of, &x.shape, axes);
        let done = op(&mut self.emit, Groups { of: moved, len });
        Ok(Value::Rows(self.emit.arrange(done, 0, &back)))
    }

    /// A sum, a mean, or the largest or smallest values.
    pub(crate) fn reduce(&mut self, op: &Reduce, x: &Operand) -> Result<Value, Refusal> {
        let emit = &mut self.emit;
        match op.reducer {
            Reducer::Sum => sum::sum(emit, x, &op.axes),
            Reducer::MeanOfSquares => {
                let of = emit.buffer_of(&x.value)?;
                if let Some(len) = x.shape.group(&op.axes) {
                    let groups = Groups { of, len };
                    return Ok(Value::MeanSquares { groups, epsilon: 0.0 });
                }
                let square = emit.pair(OpCode::Mul, of, of);
                let sum = sum::reduce(emit, OpCode::ReduceSum, square, &x.shape, &op.axes)?;
                let count: usize = op.axes.iter().filter_map(|axis| x.shape.dims.get(*axis)).product();
                Ok(Value::Rows(emit.with_number(OpCode::Mul, sum, 1.0 / count as f32)))
            }
            Reducer::Max => {
                let of = emit.buffer_of(&x.value)?;
                sum::reduce(emit, OpCode::ReduceMax, of, &x.shape, &op.axes).map(Value::Rows)
            }
            Reducer::Min => {
                let of = emit.buffer_of(&x.value)?;
                let negative = emit.with_number(OpCode::Mul, of, -1.0);
                let most = sum::reduce(emit, OpCode::ReduceMax, negative, &x.shape, &op.axes)?;
                Ok(Value::Rows(emit.with_number(OpCode::Mul, most, -1.0)))
            }
            _ => Err(Refusal::because(
                "of the reductions sum, mean, largest and smallest are known",
            )),
        }
    }

    /// Axis bookkeeping leaves the flattened row as it is, unless it reorders long axes or moves the batch into a group.
    pub(crate) fn reshape(&mut self, op: &AxisOp, x: &Operand, out: &RowShape) -> Result<Value, Refusal> {
        match op {
            AxisOp::Add(_) | AxisOp::Rm(_) => {}
            AxisOp::Reshape(at, _, _) => {
                // Rows of the batch stay the outermost of what they are merged with.
                let leads = |shape: &RowShape| {
                    let before = shape.batch.map(|batch| shape.dims.iter().take(batch).skip(*at));
                    before.is_none_or(|mut before| before.all(|d| *d == 1))
                };
                if x.shape.batch.is_some() != out.batch.is_some() || !leads(&x.shape) || !leads(out) {
                    return Err(Refusal::because("it takes rows of the batch apart"));
                }
            }
            AxisOp::Move(from, to) => {
                let mut order: Vec<usize> = (0..x.shape.dims.len()).collect();
                let moved = order.remove(*from);
                order.insert(*to, moved);
                let long: Vec<usize> = x.shape.long_axes().collect();
                let kept: Vec<usize> = order.iter().copied().filter(|axis| long.contains(axis)).collect();
                if kept != long {
                    let buffer = self.emit.buffer_of(&x.value)?;
                    let axes: Vec<_> = order
                        .iter()
                        .map(|axis| (x.shape.dims[*axis], x.shape.stride(*axis)))
                        .collect();
                    return Ok(Value::Rows(self.emit.arrange(buffer, 0, &axes)));
                }
            }
        }
        if x.shape.width() == out.width() {
            Ok(x.value.clone())
        } else {
            Err(Refusal::because("it changes how many values a row has"))
        }
    }
}
