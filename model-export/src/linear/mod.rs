//! Dense linear algebra of the models: matrix products, Gram matrices, Cholesky, eigenvectors.
//!
//! The many small symmetric systems of a factorisation need kernels that a general product would take twice the work
//! for ([`add_outer`]), and with those there, a product ([`Packed`]) is one more loop; so there is no library here.

mod cholesky;
mod eigen;
mod gram;
mod inverse;
mod outer;
mod procrustes;
mod product;
mod simd;

pub use cholesky::{factor, solve};
pub use eigen::Eigen;
pub use gram::gram;
pub use inverse::invert;
pub use outer::{WIDTH, add_outer, padded};
pub use procrustes::rotation;
pub use product::Packed;
pub use simd::{Kernel, add_four, add_scaled, dot, dots, with_simd};

#[cfg(test)]
mod tests;
