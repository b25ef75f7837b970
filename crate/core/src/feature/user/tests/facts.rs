//! Categories, user name, shapes.

use super::*;

#[test]
fn a_viewer_of_whom_nothing_is_known_is_zeros_and_the_cold_flag() {
    let (encoded, layout) = (encode(&[]), UserLayout::new(&spec()));
    assert_eq!(encoded.categorical, [0; 9]);
    for (at, value) in encoded.dense.iter().enumerate() {
        assert_eq!(*value, if at == layout.cold_at { 1.0 } else { 0.0 });
    }
    assert_eq!(encoded.factor, [0.0; 3]);
}

#[test]
fn each_fact_moves_its_own_column_and_no_other() {
    let some = |text: &str| Some(text.to_owned());
    let profile = Profile::default;
    let cases: [(&str, Profile, Context, u32); 9] = [
        (
            "age",
            Profile {
                age: Some(25.0),
                ..profile()
            },
            context(),
            3,
        ),
        (
            "gender",
            Profile {
                gender: some("M"),
                ..profile()
            },
            context(),
            2,
        ),
        (
            "language",
            Profile {
                language: some("hi-Latn"),
                ..profile()
            },
            context(),
            2,
        ),
        (
            "time_zone",
            Profile {
                time_zone: some("Europe/Berlin"),
                ..profile()
            },
            context(),
            1,
        ),
        (
            "location",
            Profile {
                latitude: Some(50.0),
                longitude: Some(10.0),
                ..profile()
            },
            context(),
            1,
        ),
        // 2023-11-14T22:13:20Z was a Tuesday.
        (
            "hour+weekday",
            profile(),
            Context {
                utc_offset_minutes: Some(0),
                ..context()
            },
            4,
        ),
        (
            "hour+weekday",
            profile(),
            Context {
                utc_offset_minutes: Some(120),
                ..context()
            },
            1,
        ),
        (
            "device",
            profile(),
            Context {
                device: some("tv"),
                ..context()
            },
            2,
        ),
        (
            "surface",
            profile(),
            Context {
                surface: some("up-next"),
                ..context()
            },
            1,
        ),
    ];
    for (name, profile, context, row) in cases {
        let encoded = encode_user(&spec(), &gram(), Folding::current(), &profile, &context, &[]).unwrap();
        for (column, found) in UserLayout::new(&spec()).categorical.iter().zip(&encoded.categorical) {
            let expected = match (name.split('+').any(|n| n == column.name), column.name) {
                (true, "weekday") => 1 + u32::from(context.local_time().unwrap().weekday),
                (true, _) => row,
                (false, _) => 0,
            };
            assert_eq!(*found, expected, "{name}: column {}", column.name);
        }
    }
}

#[test]
fn half_a_location_or_an_absurd_age_is_unknown() {
    for profile in [
        Profile {
            latitude: Some(1.0),
            ..Profile::default()
        },
        Profile {
            age: Some(-1.0),
            ..Profile::default()
        },
        Profile {
            age: Some(131.0),
            ..Profile::default()
        },
    ] {
        let encoded = encode_user(&spec(), &gram(), Folding::current(), &profile, &context(), &[]).unwrap();
        assert_eq!(encoded.categorical, [0; 9]);
    }
}

#[test]
fn the_user_name_is_read_only_where_the_spec_says_so() {
    let (mut on, profile) = (
        spec(),
        Profile {
            username: Some("night owl".to_owned()),
            ..Profile::default()
        },
    );
    assert_eq!(
        encode_user(&on, &gram(), Folding::current(), &profile, &context(), &[]).unwrap(),
        encode(&[])
    );
    on.user.username = true;
    let encoded = encode_user(&on, &gram(), Folding::current(), &profile, &context(), &[]).unwrap();
    let mut name = [0.0; 8];
    encode_text(&on.text, on.seed, Folding::current(), "night owl", &mut name);
    assert_eq!(encoded.dense[UserLayout::new(&spec()).dense..], name);
    assert_eq!(encoded.dense.len(), UserLayout::new(&on).dense);
}

proptest! {
    #[test]
    fn shapes_and_rows_are_those_of_the_layout(
        history in prop::collection::vec(any_event(), 0..10),
        age in proptest::option::of(any::<f32>()), place in proptest::option::of((any::<f32>(), any::<f32>())),
        word in proptest::option::of("\\PC{0,6}"), offset in proptest::option::of(any::<i32>()),
    ) {
        let profile = Profile {
            age, latitude: place.map(|p| p.0), longitude: place.map(|p| p.1), gender: word.clone(),
            language: word.clone(), time_zone: word.clone(), ..Profile::default()
        };
        let context = Context { utc_offset_minutes: offset, device: word.clone(), surface: word, ..context() };
        let encoded = encode_user(&spec(), &gram(), Folding::current(), &profile, &context, &history).unwrap();
        let layout = UserLayout::new(&spec());
        prop_assert_eq!(encoded.categorical.len(), layout.categorical.len());
        for (row, column) in encoded.categorical.iter().zip(layout.categorical) {
            prop_assert!(*row < column.rows, "{}", column.name);
        }
        prop_assert_eq!(encoded.dense.len(), layout.dense);
        prop_assert!(encoded.dense.iter().all(|v| v.is_finite()));
    }
}
