//! Values cut along an axis, picked from one, and joined along one.

use tract_onnx::prelude::Tensor;
use tract_onnx::tract_core::ops::array::TypedConcat;
use upnext_core::program::format::OpCode;

use crate::arith;
use crate::emit::Operands;
use crate::lower::{Lowering, Operand, Refusal};
use crate::shape::floats;
use crate::sum::last_axes;
use crate::value::{Ids, Value};

impl Lowering<'_> {
    /// Values joined along an axis.
    pub(crate) fn concat(&mut self, op: &TypedConcat, operands: &[Operand]) -> Result<Value, Refusal> {
        if operands.iter().any(|operand| operand.shape.batch == Some(op.axis)) {
            return Err(Refusal::because("it joins rows of the batch"));
        }
        if let Some(ids) = joined_ids(operands, op.axis) {
            return Ok(Value::Ids(ids));
        }
        let outermost = operands.iter().all(|operand| operand.shape.is_outermost(op.axis));
        let mut buffers = Vec::with_capacity(operands.len());
        for operand in operands {
            let buffer = arith::full(&mut self.emit, operand, &operand.shape)?;
            let inner = operand.shape.stride(op.axis) * operand.shape.dims.get(op.axis).copied().unwrap_or(1);
            let outer = operand.shape.width() / inner.max(1);
            // Along an inner axis: its positions first, then the axes around it.
            let turned = [(inner, 1), (outer, inner)];
            buffers.push(if outermost {
                buffer
            } else {
                self.emit.arrange(buffer, 0, &turned)
            });
        }
        let joined = self.emit.joined(&buffers);
        if outermost {
            return Ok(Value::Rows(joined));
        }
        let outer: usize = operands[0].shape.dims.iter().take(op.axis).product();
        let inner = self.emit.width(joined) / outer.max(1);
        Ok(Value::Rows(self.emit.arrange(joined, 0, &[(outer, 1), (inner, outer)])))
    }

    /// The stretch `start..end` of an axis.
    pub(crate) fn columns(&mut self, x: &Operand, axis: usize, start: usize, end: usize) -> Result<Value, Refusal> {
        if x.shape.batch == Some(axis) {
            return Err(Refusal::because("it cuts along the batch"));
        }
        if !x.shape.is_outermost(axis) {
            let buffer = self.emit.buffer_of(&x.value)?;
            let mut axes: Vec<_> = (0..x.shape.dims.len())
                .map(|a| (x.shape.dims[a], x.shape.stride(a)))
                .collect();
            axes[axis].0 = end.saturating_sub(start);
            return Ok(Value::Rows(self.emit.arrange(
                buffer,
                start * x.shape.stride(axis),
                &axes,
            )));
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

    /// Rows of a table by ids, or fixed positions of an axis.
    pub(crate) fn gather(&mut self, axis: usize, data: &Operand, indices: &Operand) -> Result<Value, Refusal> {
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
                let length = data.shape.dims.get(axis).copied().unwrap_or(0);
                let places = places(chosen, length).ok_or(Refusal::because("it picks a position outside"))?;
                match places.as_slice() {
                    [one] => self.columns(data, axis, *one, one + 1),
                    _ => self.pick(data, axis, &places),
                }
            }
            _ => Err(Refusal::because(
                "it is neither a lookup of ids in a constant table nor of fixed positions",
            )),
        }
    }

    /// Several positions of an axis, in any order.
    fn pick(&mut self, data: &Operand, axis: usize, places: &[usize]) -> Result<Value, Refusal> {
        if data.shape.batch == Some(axis) {
            return Err(Refusal::because("it picks rows of the batch"));
        }
        if let Value::Ids(ids) = &data.value
            && data.shape.is_outermost(axis)
            && data.shape.stride(axis) == 1
        {
            let columns = places.iter().filter_map(|at| ids.columns.get(*at).copied());
            return Ok(Value::Ids(Ids {
                buffer: ids.buffer,
                columns: columns.collect(),
            }));
        }
        // The axis comes last, and a layer of zeros and ones takes what is picked: exact, and one op however many.
        let of = self.emit.buffer_of(&data.value)?;
        let (moved, _) = last_axes(&mut self.emit, of, &data.shape, &[axis]);
        let length = data.shape.dims[axis];
        let mut ones = vec![0.0; length * places.len()];
        for (column, place) in places.iter().enumerate() {
            ones[place * places.len() + column] = 1.0;
        }
        let ones = self.emit.tensor(length, places.len(), ones);
        let width = data.shape.width() / length * places.len();
        let picked = self.emit.op(OpCode::Dense, &[moved], Operands::tensors(&[ones]), width);
        // Back between the axes around it.
        let inner = data.shape.stride(axis);
        let outer = data.shape.width() / (length * inner);
        let back = [(outer, inner * places.len()), (places.len(), 1), (inner, places.len())];
        Ok(Value::Rows(self.emit.arrange(picked, 0, &back)))
    }
}

/// Positions in an axis of `length`; negative ones count from its end.
fn places(chosen: &Tensor, length: usize) -> Option<Vec<usize>> {
    let chosen = chosen.cast_to::<i64>().ok()?;
    let chosen = chosen.try_as_plain_ram().ok()?;
    let place = |at: &i64| {
        let at = if *at < 0 { at + length as i64 } else { *at };
        usize::try_from(at).ok().filter(|at| *at < length)
    };
    chosen.as_slice::<i64>().ok()?.iter().map(place).collect()
}

/// Ids of one input that are joined along the row.
fn joined_ids(operands: &[Operand], axis: usize) -> Option<Ids> {
    let mut joined: Option<Ids> = None;
    for operand in operands {
        let Value::Ids(ids) = &operand.value else { return None };
        if !operand.shape.is_outermost(axis) {
            return None;
        }
        match &mut joined {
            None => joined = Some(ids.clone()),
            Some(joined) if joined.buffer == ids.buffer => joined.columns.extend(&ids.columns),
            Some(_) => return None,
        }
    }
    joined
}
