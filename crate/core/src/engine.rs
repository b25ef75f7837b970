//! What runs the two graphs of the device: the user tower and the ranker.

use crate::bundle::ClientBundle;
use crate::feature::spec::FeatureSpec;
use crate::feature::{Column, EncodedUser, UserLayout};
use crate::head::{FURTHER, Said};
use crate::program::{Input, Program, Scratch, Value};
use crate::signal::SIGNAL_COUNT;
use crate::{Error, ErrorKind};

/// What the ranker says of a candidate, in the order of its output: logits of the [heads](crate::head::Head), and the score
/// that a slate is ordered by, the logit that it is met *and* found relevant among the candidates of a server. Rankers of
/// bundles before version 3 say the first and the last.
pub const HEADS: [&str; 2 + FURTHER] = ["relevant", "liked", "finished", "watched", "order"];

/// An engine. Names of the graphs' inputs and outputs, as in their ONNX files: user tower
/// `categorical` `[n, 9]` and `dense` `[n, d]` to `vector`; ranker `signals` `[n, s]` to `logits` `[n, h]`.
pub trait Engine {
    /// The user vector of an encoded viewer.
    ///
    /// # Errors
    /// Those of the engine.
    fn user_vector(&mut self, user: &EncodedUser) -> Result<Vec<f32>, Error>;

    /// The [`HEADS`], or the first and the last of them, of each of `rows` rows of [`SIGNAL_COUNT`] signals, row by row:
    /// [`Said::read`].
    ///
    /// # Errors
    /// Those of the engine.
    fn rank(&mut self, signals: &[f32], rows: usize) -> Result<Vec<f32>, Error>;
}

/// The default engine: compact programs.
#[derive(Debug, Clone)]
pub struct CompactEngine {
    user_tower: Program,
    /// Where the program takes its `categorical` input: before or after `dense`.
    categorical_first: bool,
    ranker: Program,
    scratch: Scratch,
}

impl CompactEngine {
    /// Reads the programs of a bundle that was assembled for
    /// [`EngineKind::Compact`](crate::bundle::EngineKind::Compact).
    ///
    /// # Errors
    /// Those of [`Program::decode`] and [`CompactEngine::from_programs`].
    pub fn new(bundle: &ClientBundle) -> Result<CompactEngine, Error> {
        let user_tower = Program::decode(&bundle.user_tower)?;
        let ranker = Program::decode(&bundle.ranker)?;
        CompactEngine::from_programs(&bundle.model.spec, user_tower, ranker)
    }

    /// An engine of two programs.
    ///
    /// # Errors
    /// [`ErrorKind::BundleInconsistent`] where inputs, outputs or embedding tables do not fit the spec.
    pub fn from_programs(spec: &FeatureSpec, user_tower: Program, ranker: Program) -> Result<CompactEngine, Error> {
        let layout = UserLayout::new(spec);
        let columns = layout.categorical.len();
        let named = |name: &str, width, ids| Input {
            name: name.into(),
            width,
            ids,
        };
        let categorical_first = user_tower.inputs().first().is_some_and(|input| input.ids);
        let mut inputs = vec![named("categorical", columns, true), named("dense", layout.dense, false)];
        if !categorical_first {
            inputs.reverse();
        }
        expect_inputs("inputs of the user tower", &inputs, user_tower.inputs())?;
        let width = "width of the user tower's output";
        expect(width, spec.vector_dim as usize, user_tower.output_width())?;
        let limits = user_tower.id_limits(usize::from(!categorical_first));
        for (Column { name, rows }, limit) in layout.categorical.iter().zip(limits) {
            // A column that no op reads has no table, and any id will do.
            let has = limit.map_or(*rows, |limit| limit as u32);
            if has < *rows {
                let what = format!("rows of the user tower's table of {name}");
                return Err(differs(&what, rows.to_string(), has.to_string()));
            }
        }
        let signals = [named("signals", SIGNAL_COUNT, false)];
        expect_inputs("inputs of the ranker", &signals, ranker.inputs())?;
        if !Said::WIDTHS.contains(&ranker.output_width()) {
            expect("width of the ranker's output", HEADS.len(), ranker.output_width())?;
        }
        Ok(CompactEngine {
            user_tower,
            categorical_first,
            ranker,
            scratch: Scratch::default(),
        })
    }
}

impl Engine for CompactEngine {
    fn user_vector(&mut self, user: &EncodedUser) -> Result<Vec<f32>, Error> {
        let mut inputs = [Value::Ids(&user.categorical), Value::Dense(&user.dense)];
        if !self.categorical_first {
            inputs.reverse();
        }
        self.user_tower.run(&inputs, 1, &mut self.scratch).map(<[f32]>::to_vec)
    }

    fn rank(&mut self, signals: &[f32], rows: usize) -> Result<Vec<f32>, Error> {
        self.ranker
            .run(&[Value::Dense(signals)], rows, &mut self.scratch)
            .map(<[f32]>::to_vec)
    }
}

fn expect_inputs(what: &str, expected: &[Input], found: &[Input]) -> Result<(), Error> {
    let written = |inputs: &[Input]| inputs.iter().map(Input::to_string).collect::<Vec<_>>().join(", ");
    match expected == found {
        true => Ok(()),
        false => Err(differs(what, written(expected), written(found))),
    }
}

fn expect(what: &str, expected: usize, found: usize) -> Result<(), Error> {
    match expected == found {
        true => Ok(()),
        false => Err(differs(what, expected.to_string(), found.to_string())),
    }
}

fn differs(what: &str, expected: String, found: String) -> Error {
    Error::from(ErrorKind::BundleInconsistent {
        what: what.to_owned(),
        expected,
        found,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Code;
    use crate::feature::fixture::spec;
    use crate::fixture::{engine, ranker, tensor, user_tower};
    use crate::program::format::ProgramMessage;

    fn encoded() -> EncodedUser {
        let layout = UserLayout::new(&spec());
        EncodedUser {
            categorical: vec![0; 9],
            dense: vec![0.25; layout.dense],
            factor: vec![0.0; 3],
        }
    }

    fn build(tower: ProgramMessage, ranker: ProgramMessage) -> Result<CompactEngine, Error> {
        CompactEngine::from_programs(&spec(), Program::from_message(tower)?, Program::from_message(ranker)?)
    }

    #[test]
    fn inputs_may_come_in_either_order() {
        let mut tower = user_tower();
        tower.inputs.reverse();
        for op in &mut tower.ops {
            op.inputs.iter_mut().filter(|i| **i < 2).for_each(|i| *i = 1 - *i);
        }
        let swapped = build(tower, ranker()).unwrap().user_vector(&encoded()).unwrap();
        assert_eq!(swapped, engine().user_vector(&encoded()).unwrap());
    }

    #[test]
    fn programs_that_do_not_fit_the_spec_are_refused_when_they_are_loaded() {
        let small_table = |m: &mut ProgramMessage| m.tensors[0] = tensor(2, 2, 1);
        let renamed = |m: &mut ProgramMessage| m.inputs[0].name = "ids".into();
        let gathered = |m: &mut ProgramMessage| m.output = 2;
        for (what, break_it) in [
            ("table of age", small_table as fn(&mut ProgramMessage)),
            ("inputs", renamed),
            ("output", gathered),
        ] {
            let mut tower = user_tower();
            break_it(&mut tower);
            let error = build(tower, ranker()).unwrap_err();
            assert_eq!(error.code(), Code::BundleInconsistent);
            assert!(error.to_string().contains(what), "{error}");
        }
        let wide = ProgramMessage { output: 1, ..ranker() };
        assert_eq!(build(user_tower(), wide).unwrap_err().code(), Code::BundleInconsistent);
        assert_eq!(
            build(user_tower(), user_tower()).unwrap_err().code(),
            Code::BundleInconsistent
        );
    }

    #[test]
    fn an_id_outside_its_table_is_an_error_and_no_trap() {
        let mut user = encoded();
        user.categorical[3] = u32::MAX;
        assert_eq!(engine().user_vector(&user).unwrap_err().code(), Code::IdOutOfRange);
        user = encoded();
        user.dense[0] = f32::NAN;
        assert_eq!(engine().user_vector(&user).unwrap_err().code(), Code::NotFinite);
    }
}
