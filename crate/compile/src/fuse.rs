//! Clean-up of a lowered program: bias into its dense layer, unread ops and weights out.

use upnext_core::program::format::{OpCode, OpMessage, ProgramMessage, TensorMessage};

/// Merges `Dense` and the `Add` of its bias, two `Clamp`s in a row, then drops what nothing reads.
pub fn fuse(mut program: ProgramMessage) -> ProgramMessage {
    merge(&mut program, bias);
    merge(&mut program, clamp);
    drop_unread_ops(&mut program);
    drop_unread_tensors(&mut program);
    program
}

fn code(op: &OpMessage) -> Option<OpCode> {
    OpCode::try_from(op.code).ok()
}

/// How often each buffer is read, the output once.
fn reads(program: &ProgramMessage) -> Vec<usize> {
    let mut reads = vec![0; program.inputs.len() + program.ops.len()];
    let outputs = std::iter::once(&program.output);
    for buffer in program.ops.iter().flat_map(|op| &op.inputs).chain(outputs) {
        if let Some(count) = reads.get_mut(*buffer as usize) {
            *count += 1;
        }
    }
    reads
}

/// One op for an op and the op before it.
type Merge = fn(&OpMessage, &OpMessage, &[TensorMessage]) -> Option<OpMessage>;

/// Replaces an op by `merged(op, source)` where it alone reads the op `source`; the source is then read by nothing.
fn merge(program: &mut ProgramMessage, merged: Merge) {
    let reads = reads(program);
    let first_op = program.inputs.len();
    for index in 0..program.ops.len() {
        let op = &program.ops[index];
        let [buffer] = op.inputs.as_slice() else { continue };
        let source = (*buffer as usize)
            .checked_sub(first_op)
            .and_then(|source| program.ops.get(source));
        if reads.get(*buffer as usize) != Some(&1) {
            continue;
        }
        if let Some(merged) = source.and_then(|source| merged(op, source, &program.tensors)) {
            program.ops[index] = merged;
        }
    }
}

/// `Dense` without a bias, then `Add` of weights: a bias.
fn bias(add: &OpMessage, dense: &OpMessage, tensors: &[TensorMessage]) -> Option<OpMessage> {
    let (Some(OpCode::Add), Some(OpCode::Dense)) = (code(add), code(dense)) else {
        return None;
    };
    let ([bias], [weights]) = (add.tensors.as_slice(), dense.tensors.as_slice()) else {
        return None;
    };
    let cols = |tensor: u32| tensors.get(tensor as usize).map(|t| t.cols);
    // Of several rows each may add a row of its own.
    (cols(*weights) == cols(*bias)).then(|| OpMessage {
        tensors: vec![*weights, *bias],
        ..dense.clone()
    })
}

/// `Clamp` of a `Clamp`, where the ranges meet: both at once.
fn clamp(outer: &OpMessage, inner: &OpMessage, _: &[TensorMessage]) -> Option<OpMessage> {
    let (Some(OpCode::Clamp), Some(OpCode::Clamp)) = (code(outer), code(inner)) else {
        return None;
    };
    let ([low, high], [inner_low, inner_high]) = (outer.scalars.as_slice(), inner.scalars.as_slice()) else {
        return None;
    };
    let scalars = vec![low.max(*inner_low), high.min(*inner_high)];
    (scalars[0] <= scalars[1]).then(|| OpMessage {
        scalars,
        ..inner.clone()
    })
}

fn drop_unread_ops(program: &mut ProgramMessage) {
    let first_op = program.inputs.len();
    let mut live = vec![false; first_op + program.ops.len()];
    live.iter_mut().take(first_op).for_each(|l| *l = true);
    if let Some(output) = live.get_mut(program.output as usize) {
        *output = true;
    }
    for (index, op) in program.ops.iter().enumerate().rev() {
        if live.get(first_op + index) == Some(&true) {
            for buffer in &op.inputs {
                if let Some(l) = live.get_mut(*buffer as usize) {
                    *l = true;
                }
            }
        }
    }
    let mut renamed = Vec::with_capacity(live.len());
    let mut next = 0;
    for is_live in &live {
        renamed.push(next);
        next += u32::from(*is_live);
    }
    let rename = |buffer: &mut u32| {
        if let Some(new) = renamed.get(*buffer as usize) {
            *buffer = *new;
        }
    };
    let mut index = first_op;
    program.ops.retain(|_| {
        index += 1;
        live.get(index - 1) == Some(&true)
    });
    program.ops.iter_mut().flat_map(|op| &mut op.inputs).for_each(rename);
    rename(&mut program.output);
}

fn drop_unread_tensors(program: &mut ProgramMessage) {
    let mut renamed = vec![None; program.tensors.len()];
    let mut kept = Vec::new();
    for tensor in program.ops.iter_mut().flat_map(|op| &mut op.tensors) {
        let Some(slot) = renamed.get_mut(*tensor as usize) else {
            continue;
        };
        let old = *tensor as usize;
        *tensor = *slot.get_or_insert_with(|| {
            kept.push(old);
            (kept.len() - 1) as u32
        });
    }
    program.tensors = kept
        .into_iter()
        .filter_map(|old| program.tensors.get(old).cloned())
        .collect();
}
