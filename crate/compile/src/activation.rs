//! Functions of one value: an op each, or put together from some.

use tract_onnx::tract_core::ops::element_wise::ElementWiseMiniOp;
use tract_onnx::tract_core::ops::math::PowConst;
use tract_onnx::tract_core::ops::nn::LeakyRelu;
use tract_onnx::tract_core::ops::nn::gelu_approximate::GeluApproximate;
use upnext_core::program::format::OpCode;

use crate::emit::Emitter;
use crate::lower::Refusal;

/// The buffer of a function of a buffer, by tract's name.
pub fn apply(emit: &mut Emitter, op: &dyn ElementWiseMiniOp, name: &str, x: u32) -> Result<u32, Refusal> {
    use OpCode::{Abs, Add, Erf, Exp, Floor, Less, Ln, Max, Min, Mul, Pow, Recip, Relu, Sigmoid, Sqrt, Sub, Tanh};
    Ok(match name {
        "Relu" => emit.map(Relu, x),
        "Sigmoid" => emit.map(Sigmoid, x),
        "Tanh" => emit.map(Tanh, x),
        "Exp" => emit.map(Exp, x),
        "Ln" => emit.map(Ln, x),
        "Sqrt" => emit.map(Sqrt, x),
        "Recip" => emit.map(Recip, x),
        "Abs" => emit.map(Abs, x),
        "Erf" => emit.map(Erf, x),
        "Floor" => emit.map(Floor, x),
        "Not" => emit.not(x),
        "Neg" => emit.with_number(Mul, x, -1.0),
        "Rsqrt" => {
            let root = emit.map(Sqrt, x);
            emit.map(Recip, root)
        }
        "Ceil" => {
            let negative = emit.with_number(Mul, x, -1.0);
            let floor = emit.map(Floor, negative);
            emit.with_number(Mul, floor, -1.0)
        }
        "Sign" => {
            let negative = emit.with_number(Mul, x, -1.0);
            let (above, below) = (emit.with_number(Less, negative, 0.0), emit.with_number(Less, x, 0.0));
            emit.pair(Sub, above, below)
        }
        "PowConst" if let Some(op) = op.downcast_ref::<PowConst>() => emit.with_number(Pow, x, op.exponent),
        "LeakyRelu" if let Some(op) = op.downcast_ref::<LeakyRelu>() => {
            let scaled = emit.with_number(Mul, x, op.alpha);
            emit.pair(if op.alpha <= 1.0 { Max } else { Min }, x, scaled)
        }
        "Silu" => {
            let gate = emit.map(Sigmoid, x);
            emit.pair(Mul, x, gate)
        }
        "HardSwish" => {
            let part = emit.with_number(Mul, x, 1.0 / 6.0);
            let part = emit.with_number(Add, part, 0.5);
            let gate = emit.clamp(part, vec![0.0, 1.0]);
            emit.pair(Mul, x, gate)
        }
        // x/2 · (1 + erf(x/√2)), Hendrycks and Gimpel 2016.
        "GeluExact" => {
            let scaled = emit.with_number(Mul, x, core::f32::consts::FRAC_1_SQRT_2);
            let curve = emit.map(Erf, scaled);
            half_gate(emit, x, curve)
        }
        // x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))), likewise.
        "GeluApproximate" if op.downcast_ref::<GeluApproximate>().is_some_and(|op| !op.fast_impl) => {
            let square = emit.pair(Mul, x, x);
            let part = emit.with_number(Mul, square, 0.044_715);
            let part = emit.with_number(Add, part, 1.0);
            let part = emit.pair(Mul, part, x);
            let part = emit.with_number(Mul, part, 0.797_884_6);
            let curve = emit.map(Tanh, part);
            half_gate(emit, x, curve)
        }
        _ => return Err(Refusal::because("this element-wise op is not known")),
    })
}

/// `x · (1 + curve) / 2`.
fn half_gate(emit: &mut Emitter, x: u32, curve: u32) -> u32 {
    let raised = emit.with_number(OpCode::Add, curve, 1.0);
    let gate = emit.with_number(OpCode::Mul, raised, 0.5);
    emit.pair(OpCode::Mul, x, gate)
}
