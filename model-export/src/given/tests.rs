#![allow(clippy::unwrap_used)]

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Builder, ListBuilder, StringArray, UInt64Array};
use tempfile::TempDir;

use super::*;
use crate::bundle::{Bundle, to_parquet};
use crate::compile::Precision;
use crate::evaluate::fixture::world;
use crate::factors::{Ones, factorise};
use crate::label::encounters;
use crate::split::{Side, Split};
use crate::table::Dataset;
use crate::towers::Objective;
use crate::train::{Cache, Prepared, relevant_pairs, train_with};

struct Made {
    data: Dataset,
    split: Split,
    ones: Ones,
    info: FactorInfo,
    factors: Factors,
    dir: TempDir,
}

/// A small world's factors by Spark's loss, in their files.
fn made() -> Made {
    let data = world(5);
    let split = Split::of(&data).unwrap();
    let met = encounters(&data, &split);
    let ones = relevant_pairs(&data, &split, &met, Side::Factors).unwrap();
    let config = FactorConfig {
        dim: 6,
        sweeps: 8,
        ..FactorConfig::default()
    }
    .with_spark(8.0, 0.5);
    let info = FactorInfo {
        format: FORMAT,
        solver: "this one".to_owned(),
        dim: config.dim,
        lambda: config.lambda,
        l2: config.l2,
        nu: config.nu,
        frequency: config.frequency,
        sweeps: config.sweeps,
        factors_until_ms: split.factors_until_ms,
        train_until_ms: split.train_until_ms,
        pairs: ones.len() as u64,
    };
    assert_eq!(info.config(config.seed), config);
    let factors = factorise(&ones, &config, |_, _| {}).unwrap();
    let dir = TempDir::new().unwrap();
    write(dir.path(), &info, &data, &ones, &factors).unwrap();
    Made {
        data,
        split,
        ones,
        info,
        factors,
        dir,
    }
}

impl Made {
    fn read(&self) -> Result<Given, Error> {
        FactorFiles::open(self.dir.path())?.read(&self.data, &self.split, &self.ones)
    }

    fn code(&self) -> Code {
        self.read().unwrap_err().code()
    }

    fn tell(&self, change: impl Fn(&mut FactorInfo)) {
        let mut info = self.info.clone();
        change(&mut info);
        fs::write(self.dir.path().join("factors.json"), serde_json::to_vec(&info).unwrap()).unwrap();
    }

    /// One more file of a side, with numbers as f64.
    fn add(&self, side: &str, id: Option<&str>, factor: Option<&[f64]>, relevant: u64) -> PathBuf {
        let mut features = ListBuilder::new(Float64Builder::new());
        if let Some(factor) = factor {
            features.values().append_slice(factor);
        }
        features.append(factor.is_some());
        let bytes = to_parquet(vec![
            ("id", Arc::new(StringArray::from(vec![id])) as ArrayRef),
            ("features", Arc::new(features.finish())),
            ("relevant", Arc::new(UInt64Array::from(vec![relevant]))),
        ]);
        let path = self.dir.path().join(side).join("part-1.parquet");
        fs::write(&path, bytes.unwrap()).unwrap();
        path
    }
}

#[test]
fn what_is_written_reads_back_to_the_bit_and_somebody_without_a_pair_is_zero() {
    let made = made();
    let given = made.read().unwrap();
    assert_eq!(given.factors.users, made.factors.users);
    assert_eq!(given.factors.items, made.factors.items);
    let pairs: Vec<u32> = (0..made.ones.rows())
        .map(|user| made.ones.row(user).len() as u32)
        .collect();
    assert_eq!((given.history_len, given.other_users), (pairs, 0));
    let last = made.factors.loss.last().unwrap();
    assert!(
        given.factors.loss[0] <= *last * (1.0 + 1e-5),
        "users are solved once more"
    );
    assert_eq!(FactorFiles::open(made.dir.path()).unwrap().files().len(), 3);
}

#[test]
fn a_log_may_have_more_users_than_the_data_set_and_factors_of_any_float() {
    let made = made();
    made.add("users", Some("of the whole log"), Some(&[0.5; 6]), 3);
    assert_eq!(made.read().unwrap().other_users, 1);
}

#[test]
fn what_does_not_fit_is_refused_by_code() {
    let made = made();
    let first = |empty: bool| {
        let row = (0..made.ones.rows()).find(|row| made.ones.row(*row).is_empty() == empty);
        made.data.users.ids.name(row.unwrap() as u32).to_owned()
    };
    let (known, fresh) = (first(false), first(true));
    for (side, id, factor, code) in [
        ("users", Some(known.as_str()), Some(&[0.5; 6][..]), Code::IdOutOfRange),
        ("users", None, Some(&[0.5; 6]), Code::IdOutOfRange),
        ("users", Some(""), Some(&[0.5; 6]), Code::IdOutOfRange),
        ("videos", Some("of another log"), Some(&[0.5; 6]), Code::IdOutOfRange),
        ("users", Some(&fresh), Some(&[0.5; 5]), Code::ConfigInvalid),
        ("users", Some(&fresh), None, Code::ConfigInvalid),
        (
            "users",
            Some(&fresh),
            Some(&[0.5, 0.5, f64::NAN, 0.5, 0.5, 0.5]),
            Code::NotFinite,
        ),
        (
            "users",
            Some(&fresh),
            Some(&[0.5, 0.5, 1e300, 0.5, 0.5, 0.5]),
            Code::NotFinite,
        ),
    ] {
        let path = made.add(side, id, factor, 1);
        assert_eq!(made.code(), code, "{side} {id:?} {factor:?}");
        fs::remove_file(path).unwrap();
    }
    made.read().unwrap();

    made.tell(|info| info.factors_until_ms += 1);
    assert_eq!(made.code(), Code::ConfigInvalid);
    assert!(made.read().unwrap_err().to_string().contains("factor window"));
    made.tell(|info| info.dim = 7);
    assert_eq!(made.code(), Code::ConfigInvalid);
    made.tell(|info| info.format = 2);
    assert_eq!(made.code(), Code::ConfigInvalid);
    made.tell(|info| info.lambda = 0.0);
    assert_eq!(made.code(), Code::ConfigInvalid);
    fs::write(made.dir.path().join("factors.json"), "{}").unwrap();
    assert_eq!(made.code(), Code::ConfigInvalid);
    made.tell(|_| ());
    fs::write(made.dir.path().join("videos/part-0.parquet"), "PAR1 and no more").unwrap();
    assert_eq!(made.code(), Code::FileUnreadable);
    fs::remove_file(made.dir.path().join("videos/part-0.parquet")).unwrap();
    assert_eq!(made.code(), Code::FileUnreadable);
}

#[test]
fn factors_that_know_less_than_the_data_set_are_refused() {
    let made = made();
    let mut less = made.ones.clone();
    let user = (0..less.rows()).find(|user| !less.row(*user).is_empty()).unwrap();
    let pairs = (0..less.rows()).flat_map(|u| less.row(u).iter().map(move |v| (u as u32, *v)));
    less = Ones::from_pairs(less.rows(), less.columns(), pairs.filter(|(u, _)| *u != user as u32));
    write(made.dir.path(), &made.info, &made.data, &less, &made.factors).unwrap();
    let error = made.read().unwrap_err();
    assert_eq!(error.code(), Code::ConfigInvalid);
    assert!(
        error.to_string().contains(made.data.users.ids.name(user as u32)),
        "{error}"
    );
}

#[test]
fn own_factors_judged_beside_themselves_differ_in_nothing() {
    let made = made();
    let files = FactorFiles::open(made.dir.path()).unwrap();
    let judged = judge(&files, &made.data, 1).unwrap();
    assert_eq!((judged.pairs, judged.rows_that_differ), (made.ones.len() as u64, 0));
    assert_eq!(judged.loss.relative, 0.0);
    assert!(judged.users > 20);
    for (name, row) in &judged.figures {
        assert_eq!(row.given, row.own, "{name}");
        let difference = row.given_minus_own;
        assert_eq!((difference.low, difference.value, difference.high), (0.0, 0.0, 0.0));
        assert!(row.given_minus_default.low <= row.given_minus_default.high);
    }
    assert!(judged.figures["recall@100"].given > 0.3 && judged.table().contains("recall@100"));
    // Noise is told from factors.
    let mut noise = made.factors.clone();
    for (i, value) in noise.items.iter_mut().enumerate() {
        *value = ((i * 7919 % 997) as f32 / 997.0 - 0.5) * 0.3;
    }
    write(made.dir.path(), &made.info, &made.data, &made.ones, &noise).unwrap();
    let judged = judge(&files, &made.data, 1).unwrap();
    assert!(judged.loss.relative > 0.02, "{}", judged.loss.relative);
    assert!(judged.figures["ndcg@20"].given_minus_own.high < 0.0);
}

#[test]
fn a_bundle_holds_the_given_factors_and_a_fold_in_of_their_width() {
    let made = made();
    let files = FactorFiles::open(made.dir.path()).unwrap();
    let mut config = TrainConfig::new(Objective::SampledSoftmax, 3);
    config.towers.epochs = 1;
    config.towers.final_epochs = 1;
    let given = Prepared {
        factors: Some(&files),
        titles: None,
    };
    let model = train_with(&made.data, &config, given, &Cache::none()).unwrap();
    assert_eq!(model.factors.items, made.factors.items);
    assert_eq!(
        (model.spec.factor_dim, model.spec.user.fold_in.lambda),
        (6, made.info.lambda)
    );
    let root = TempDir::new().unwrap();
    model
        .write(&made.data, Objective::SampledSoftmax, Precision::F32, None, root.path())
        .unwrap();
    let bundle = Bundle::open(root.path()).unwrap();
    assert_eq!(bundle.item_tensors().unwrap().factors_f32, made.factors.items);
    assert_eq!(bundle.user_factors().unwrap(), made.factors.users);
}
