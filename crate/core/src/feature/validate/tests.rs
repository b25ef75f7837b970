#![allow(clippy::unwrap_used)]
use super::*;
use crate::Code;
use crate::feature::fixture::{spec, terms};

/// Every bound: its name in the message, and a spec that breaks it alone.
fn broken_specs() -> Vec<(&'static str, FeatureSpec)> {
    let with = |change: &dyn Fn(&mut FeatureSpec)| {
        let mut spec = spec();
        change(&mut spec);
        spec
    };
    let nan = Standardise {
        mean: f32::NAN,
        std: 1.0,
    };
    let flat = Standardise { mean: 0.0, std: 0.0 };
    vec![
        ("vector_dim", with(&|s| s.vector_dim = 0)),
        ("factor_dim", with(&|s| s.factor_dim = MAX_DIM + 1)),
        ("text.dim", with(&|s| s.text.dim = 0)),
        ("text.min_n", with(&|s| s.text.min_n = 0)),
        ("text.max_n", with(&|s| s.text.max_n = 1)),
        ("item.id_buckets", with(&|s| s.item.id_buckets = 1)),
        ("item.max_tags", with(&|s| s.item.max_tags = 0)),
        ("item.tags", with(&|s| s.item.tags.oov_buckets = u32::MAX)),
        ("item.language", with(&|s| s.item.language = terms(&["en", "en"], 0))),
        ("item.rating", with(&|s| s.item.rating = terms(&[""], 0))),
        ("item.channel", with(&|s| s.item.channel = terms(&[" a"], 0))),
        ("item.length", with(&|s| s.item.length = flat)),
        ("item.likes", with(&|s| s.item.likes = nan)),
        ("item.comments", with(&|s| s.item.comments.std = f32::INFINITY)),
        ("item.views", with(&|s| s.item.views.std = -1.0)),
        ("user.age", with(&|s| s.user.age.edges = vec![2.0, 1.0])),
        ("user.gender", with(&|s| s.user.gender = terms(&["a", "b", "a"], 0))),
        ("user.language", with(&|s| s.user.language = terms(&["a "], 0))),
        ("user.time_zone", with(&|s| s.user.time_zone.oov_buckets = MAX_ROWS)),
        ("user.location", with(&|s| s.user.location.points.push([91.0, 0.0]))),
        ("user.hour", with(&|s| s.user.hour.edges = vec![1.0, f32::NAN])),
        ("user.device", with(&|s| s.user.device = terms(&["", ""], 0))),
        ("user.surface", with(&|s| s.user.surface = terms(&["x", "x"], 0))),
        (
            "user.history.half_life_days",
            with(&|s| s.user.history.half_life_days = 0.0),
        ),
        ("user.history.max_events", with(&|s| s.user.history.max_events = 0)),
        (
            "user.history.unknown_fraction",
            with(&|s| s.user.history.unknown_fraction = 1.1),
        ),
        ("user.fold_in.lambda", with(&|s| s.user.fold_in.lambda = 0.6)),
        ("user.fold_in.l2", with(&|s| s.user.fold_in.l2 = 0.0)),
        (
            "prior.length_edges",
            with(&|s| s.prior.length_edges.edges = vec![1.0, 1.0]),
        ),
        ("prior.log_odds", with(&|s| s.user.surface = terms(&["a", "b"], 0))),
        ("prior.log_odds", with(&|s| s.prior.log_odds[1] = f32::NAN)),
        ("prior.stand_in_rate", with(&|s| s.prior.stand_in_rate[0] = 0.0)),
        ("prior.base_rate", with(&|s| s.prior.base_rate = 1.0)),
    ]
}

#[test]
fn each_broken_bound_is_refused_by_name_and_never_written() {
    for (field, spec) in broken_specs() {
        for error in [spec.validate().unwrap_err(), spec.to_json().unwrap_err()] {
            assert_eq!(error.code(), Code::BundleInconsistent);
            assert!(
                error.to_string().contains(&format!(", {field} should be")),
                "{field}: {error}"
            );
        }
    }
}

#[test]
fn every_field_of_the_spec_has_a_bound() {
    let json: serde_json::Value = serde_json::from_slice(&spec().to_json().unwrap()).unwrap();
    let mut fields = Vec::new();
    for (top, value) in json.as_object().unwrap() {
        match (top.as_str(), value.as_object()) {
            ("user" | "item" | "prior", Some(inner)) => {
                fields.extend(inner.keys().map(|name| format!("{top}.{name}")));
            }
            _ => fields.push(top.clone()),
        }
    }
    // The version has an error of its own; any seed and either choice of user names will do.
    let free = ["version", "seed", "user.username"];
    for field in fields.iter().filter(|field| !free.contains(&field.as_str())) {
        assert!(
            broken_specs()
                .iter()
                .any(|(bound, _)| bound.starts_with(field.as_str())),
            "{field}"
        );
    }
}

#[test]
fn bytes_and_spec_give_each_other_back() {
    let mut spec = spec();
    spec.item.length.mean = 0.1 + 0.2;
    spec.seed = u64::MAX;
    let bytes = spec.to_json().unwrap();
    let read = FeatureSpec::from_json(&bytes).unwrap();
    assert_eq!(read, spec);
    assert_eq!(read.to_json().unwrap(), bytes);
}

#[test]
fn another_version_is_named_as_such_whatever_its_fields_are() {
    let error = FeatureSpec::from_json(br#"{"version": 9, "anything": []}"#).unwrap_err();
    assert_eq!(
        error,
        Error::from(ErrorKind::BundleVersion {
            what: "feature spec",
            found: 9,
            expected: SPEC_VERSION
        })
    );
    let mut spec = spec();
    spec.version = 0;
    assert_eq!(spec.validate().unwrap_err().code(), Code::BundleVersion);
}

#[test]
fn no_json_a_missing_field_and_an_unknown_field_are_unreadable() {
    let good = String::from_utf8(spec().to_json().unwrap()).unwrap();
    let unknown = good.replacen('{', "{\"extra\":1,", 1);
    let missing = good.replacen("\"vector_dim\":4,", "", 1);
    for bytes in ["", "{", "[]", "{\"version\":-1}", &unknown, &missing] {
        let error = FeatureSpec::from_json(bytes.as_bytes()).unwrap_err();
        assert_eq!(error.code(), Code::BundleUnreadable, "{bytes}");
    }
}

#[test]
fn a_number_that_overflows_is_refused() {
    let good = String::from_utf8(spec().to_json().unwrap()).unwrap();
    let huge = good.replacen("\"half_life_days\":7.0", "\"half_life_days\":1e300", 1);
    assert_ne!(huge, good);
    assert!(FeatureSpec::from_json(huge.as_bytes()).is_err());
}
