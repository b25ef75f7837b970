use super::*;
use crate::feature::fixture::spec;
use proptest::prelude::*;

#[test]
fn a_video_of_which_nothing_is_known_is_all_zeros() {
    let encoded = encode_item(&spec(), Folding::current(), &VideoFeatures::default());
    assert_eq!(encoded.categorical, [0; 5]);
    assert_eq!(encoded.tags, [0; 3]);
    assert!(encoded.dense.iter().all(|v| *v == 0.0));
}

#[test]
fn a_count_of_zero_is_not_an_unknown_count() {
    let zero = VideoFeatures {
        likes: Some(0.0),
        ..VideoFeatures::default()
    };
    assert_ne!(
        encode_item(&spec(), Folding::current(), &zero),
        encode_item(&spec(), Folding::current(), &VideoFeatures::default())
    );
}

#[test]
fn known_values_stand_where_the_layout_says() {
    let spec = spec();
    let comments = [0.5; 8];
    let video = VideoFeatures {
        id: "v1",
        title: Some("Night train"),
        tags: &["猫", "music", "new", "a fourth"],
        comments: Some(&comments),
        length_seconds: Some(60.0),
        language: Some("HI-IN"),
        rating: Some("PG-13"),
        channel: Some("ch1"),
        views: Some(9.0),
        ..VideoFeatures::default()
    };
    let encoded = encode_item(&spec, Folding::current(), &video);
    assert_eq!(encoded.categorical[2..], [2, 2, 1]);
    assert_eq!(encoded.tags[..2], [2, 1]);
    assert!(encoded.tags[2] > 2, "an unseen tag hashes");
    let mut title = [0.0; 8];
    encode_text(&spec.text, spec.seed, Folding::current(), "night TRAIN", &mut title);
    assert_eq!(encoded.dense[..8], title);
    assert_eq!(encoded.dense[8..16], comments);
    let (length, _) = spec.item.length.value(Some(60.0));
    let (views, _) = spec.item.views.value(Some(9.0));
    assert_eq!(encoded.dense[16..], [length, 1.0, 0.0, 0.0, 0.0, 0.0, views, 1.0]);
    // A vector of the title, by whatever encoder, stands in the place of the built-in one.
    let by_other = [0.25; 8];
    let other = VideoFeatures {
        title_vector: Some(&by_other),
        ..video
    };
    let encoded_other = encode_item(&spec, Folding::current(), &other);
    assert_eq!(encoded_other.dense[..8], by_other);
    assert_eq!(encoded_other.dense[8..], encoded.dense[8..]);
}

#[test]
fn two_videos_that_share_a_row_rarely_share_both() {
    let spec = spec();
    let rows = |i: u32| {
        let encoded = encode_item(
            &spec,
            Folding::current(),
            &VideoFeatures {
                id: &i.to_string(),
                ..VideoFeatures::default()
            },
        );
        (encoded.categorical[0], encoded.categorical[1])
    };
    let (mut one, mut both) = (0, 0);
    for i in 0..100 {
        for j in 0..i {
            one += u32::from(rows(i).0 == rows(j).0);
            both += u32::from(rows(i) == rows(j));
        }
    }
    assert!(one > 50 && both * 10 < one, "{one} share the first, {both} both");
}

proptest! {
    #[test]
    fn shapes_and_rows_are_those_of_the_layout(
        id in "\\PC{0,8}", title in proptest::option::of("\\PC{0,12}"),
        tags in prop::collection::vec("\\PC{0,4}", 0..6),
        number in proptest::option::of(any::<f32>()), word in proptest::option::of("[a-z]{0,3}"),
    ) {
        let spec = spec();
        let layout = ItemLayout::new(&spec);
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        let video = VideoFeatures {
            id: &id, title: title.as_deref(), title_vector: None, tags: &tags, comments: None, length_seconds: number,
            language: word.as_deref(), rating: word.as_deref(), channel: word.as_deref(),
            likes: number, comments_count: number, views: number,
        };
        let encoded = encode_item(&spec, Folding::current(), &video);
        prop_assert_eq!(encoded.categorical.len(), layout.categorical.len());
        for (row, column) in encoded.categorical.iter().zip(layout.categorical) {
            prop_assert!(*row < column.rows, "{}", column.name);
        }
        prop_assert_eq!(encoded.tags.len(), layout.max_tags);
        prop_assert!(encoded.tags.iter().all(|row| *row < layout.tags.rows));
        prop_assert_eq!(encoded.dense.len(), layout.dense);
        prop_assert!(encoded.dense.iter().all(|v| v.is_finite()));
    }
}
