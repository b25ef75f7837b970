#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{FromTree, Misfit, ToJson as _, Tree, record};

#[derive(Debug, Clone, PartialEq)]
struct Point {
    x: f32,
    far: Option<u8>,
    names: Vec<String>,
}
record!(json Point { x, far as "isFar", names = Vec::new() });

fn point(json: &str) -> Result<Point, String> {
    Tree::parse(json.as_bytes())
        .and_then(Point::from_tree)
        .map_err(|misfit| misfit.to_string())
}

#[test]
fn fields_are_read_by_name_in_any_order_and_have_defaults() {
    let whole = Point {
        x: 1.5,
        far: Some(3),
        names: vec!["a".into(), "é".into()],
    };
    assert_eq!(point(r#"{"names": ["a", "\u00e9"], "isFar": 3, "x": 1.5}"#), Ok(whole));
    let bare = Point {
        x: 2.0,
        far: None,
        names: Vec::new(),
    };
    assert_eq!(point(r#"{"x": 2}"#), Ok(bare.clone()));
    assert_eq!(point(r#"{"x": 2, "isFar": null}"#), Ok(bare));
}

#[test]
fn a_misfit_says_where_and_what() {
    for (json, message) in [
        (r#"{"x": 1"#, "the text ends too early at line 1 column 7"),
        (r#"{"x": "1"}"#, "x: expected a number, found a text"),
        (r#"{"isFar": 1}"#, "missing field `x`"),
        (r#"{"x": 1, "isFar": 256}"#, "isFar: 256 is outside 0..=255"),
        (
            r#"{"x": 1, "isFar": 1.5}"#,
            "isFar: expected a whole number, found a fraction",
        ),
        (
            r#"{"x": 1, "names": ["a", null]}"#,
            "names: 1: expected a text, found nothing",
        ),
        (r#"{"x": 1, "names": null}"#, "names: expected a list, found nothing"),
        (r#"{"x": 1, "x": 2}"#, "field `x` comes twice"),
        (
            r#"{"x": 1, "far": 2}"#,
            "unknown field `far`, known are x, isFar, names",
        ),
        ("[1, 2, []]", "expected an object, found a list"),
        (
            "{\n \"x\": 01}",
            "expected a comma or the end of the list or object at line 2 column 8",
        ),
        (r#"{"x": 1e999}"#, "a number out of range at line 1 column 12"),
        (r#"{"x": "\ud800"}"#, "half of a surrogate pair at line 1 column 14"),
        (r#"{"x": tru}"#, "expected a value at line 1 column 7"),
        ("{} {}", "more text after the end at line 1 column 4"),
    ] {
        assert_eq!(point(json), Err(message.to_owned()), "{json}");
    }
}

#[test]
fn nesting_ends_before_the_stack_does() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(Tree::parse(deep(16).as_bytes()).is_ok());
    for levels in [17, 100_000] {
        assert!(Tree::parse(deep(levels).as_bytes()).is_err());
    }
}

#[test]
fn whole_numbers_keep_every_digit() {
    let read = |json: &str| Tree::parse(json.as_bytes()).unwrap();
    assert_eq!(u64::from_tree(read("18446744073709551615")), Ok(u64::MAX));
    assert_eq!(i64::from_tree(read("-9223372036854775808")), Ok(i64::MIN));
    assert!(i64::from_tree(read("9223372036854775808")).is_err());
    assert!(u64::from_tree(read("-1")).is_err());
    assert!(u32::from_tree(read("4294967296")).is_err());
    // By way of f64, this one would be rounded twice, and to the even neighbour.
    assert_eq!(
        f32::from_tree(read("9007199791611905")),
        Ok(9_007_199_791_611_905_i64 as f32)
    );
}

#[test]
fn only_a_version_that_is_a_number_is_one() {
    let version = |json: &str| Tree::parse(json.as_bytes()).and_then(|tree| tree.version());
    assert_eq!(version(r#"{"a": 1, "version": 3}"#), Ok(3));
    for json in ["{}", "[]", r#"{"version": "3"}"#, r#"{"version": -1}"#] {
        assert!(version(json).is_err(), "{json}");
    }
    let misfit = Misfit {
        path: "version: ".into(),
        reason: "expected a whole number, found nothing".into(),
    };
    assert_eq!(version("{}"), Err(misfit));
}

/// JSON of all kinds, as the library holds it.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f32>()
            .prop_filter("JSON has no others", |v| v.is_finite())
            .prop_map(|v| json!(f64::from(v))),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,3}", inner, 0..4).prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

fn back(tree: &Tree) -> Value {
    match tree {
        Tree::Null => Value::Null,
        Tree::Bool(value) => json!(value),
        Tree::Signed(value) => json!(value),
        Tree::Unsigned(value) => json!(value),
        Tree::Float(value) => json!(value),
        Tree::Text(text) => json!(text),
        Tree::List(items) => items.iter().map(back).collect(),
        Tree::Object(members) => Value::Object(members.iter().map(|(k, v)| (k.clone(), back(v))).collect()),
    }
}

/// Equal, but for the last bits of fractions.
fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-14 * b.abs() && a as f32 == b as f32
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && alike(a, b))
        }
        _ => a == b,
    }
}

proptest! {
    #[test]
    fn a_tree_holds_what_the_library_reads(value in values(), pretty: bool) {
        let json = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let tree = back(&Tree::parse(json.as_bytes()).unwrap());
        prop_assert!(alike(&tree, &serde_json::from_str(&json).unwrap()), "{json} is read as {tree}");
    }

    #[test]
    fn what_the_library_refuses_is_refused_and_nothing_else(
        text in r#"[\[\]{}:,"\\/ubnd08e.E+\- \n]{0,9}"#, within in prop::sample::select(vec!["", "[]", "\"\"", "{\"a\":}"]),
    ) {
        let (before, after) = within.split_at(within.len().saturating_sub(1));
        let json = format!("{before}{text}{after}");
        let library: Result<Value, _> = serde_json::from_str(&json);
        prop_assert_eq!(Tree::parse(json.as_bytes()).map(|_| ()).map_err(drop), library.map(drop).map_err(drop), "{}", json);
    }

    #[test]
    fn what_is_written_is_read_back_by_library_and_tree(
        x in any::<f32>().prop_filter("JSON has no others", |v| v.is_finite()),
        far: Option<u8>, names in prop::collection::vec(any::<String>(), 0..4),
    ) {
        let written = Point { x, far, names };
        let json = written.json();
        prop_assert_eq!(point(&json), Ok(written.clone()));
        prop_assert_eq!(serde_json::from_str::<Point>(&json).unwrap(), written);
    }

    #[test]
    fn any_bytes_are_a_tree_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Tree::parse(&bytes).map(Point::from_tree);
    }
}
