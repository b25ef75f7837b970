#![allow(clippy::unwrap_used)]
use super::*;
use crate::Code;
use crate::fixture::{ID, NOW, block, message, model};
use proptest::prelude::*;

fn decode(message: &BlockMessage) -> Result<Block, Error> {
    Block::decode(&message.encode_to_vec(), ID, model().dims())
}

#[test]
fn accessors_give_what_was_written() {
    let block = block(9);
    assert_eq!((block.len(), block.is_empty(), block.bundle_id()), (9, false, ID));
    assert_eq!(
        (block.id(4), block.row_of("v004"), block.row_of("v9")),
        ("v004", Some(4), None)
    );
    assert_eq!((block.language(1), block.language(0)), (Some("en"), None));
    assert_eq!(
        (block.rating(2), block.channel(2), block.title(2)),
        (Some("R"), Some("ch2"), Some("Video 2"))
    );
    assert_eq!(block.tags(5).collect::<Vec<_>>(), ["music", "猫"]);
    assert_eq!((block.length_seconds(0), block.length_seconds(6)), (Some(20.0), None));
    assert_eq!((block.published_at_ms(0), block.published_at_ms(4)), (Some(NOW), None));
    assert_eq!(block.vector(1).unwrap().values.len(), 4);
    assert_eq!(block.thumbnail(1), None);
    let with_removed = BlockMessage {
        removed: vec!["a".into(), "v9".into()],
        ..message(2)
    };
    let with_removed = decode(&with_removed).unwrap();
    assert_eq!(with_removed.arm(), None);
    let with_arm = BlockMessage {
        arm: "x".repeat(MAX_ARM_BYTES),
        ..message(2)
    };
    assert_eq!(decode(&with_arm).unwrap().arm(), Some(with_arm.arm.as_str()));
    assert_eq!(
        ["a", "b", "v9"].map(|id| with_removed.is_removed(id)),
        [true, false, true]
    );
    assert_eq!(Block::decode(&block.encode(), ID, model().dims()).unwrap(), block);
    assert_eq!((block.regions(1).count(), block.content(1)), (0, None));
    let told = decode(&regional(message(3))).unwrap();
    let regions = |row| told.regions(row).collect::<Vec<_>>();
    assert_eq!(
        [regions(0), regions(1), regions(2)],
        [vec![], vec!["AT"], vec!["AT", "CH"]]
    );
    assert_eq!(
        [0, 1, 2].map(|row| told.content(row)),
        [None, Some("cafe"), Some("cafe")]
    );
}

/// As many candidates, the first three of them with regions and content hashes.
fn regional_of(message: BlockMessage) -> BlockMessage {
    let n = message.ids.len();
    let mut message = regional(message);
    if n < 3 {
        message.regions.truncate([0, 0, 1][n]);
    }
    message.region_counts.resize(n, 0);
    message.contents.resize(n, 0);
    message
}

/// Three candidates with regions and content hashes.
fn regional(mut message: BlockMessage) -> BlockMessage {
    message.dictionary.extend(["AT", "CH", "cafe"].map(String::from));
    let first = message.dictionary.len() as u32 - 2;
    message.region_counts = vec![0, 1, 2];
    message.regions = vec![first, first, first + 1];
    message.contents = vec![0, first + 2, first + 2];
    message
}

#[test]
fn what_is_sealed_is_what_its_bytes_say() {
    let with_words = BlockMessage {
        removed: vec!["a".into(), "v9".into()],
        arm: "bold".into(),
        ..message(9)
    };
    for message in [message(0), regional(message(3)), with_words] {
        let (block, bytes) = Block::seal(message, ID, model().dims()).unwrap();
        assert_eq!(Block::decode(&bytes, ID, model().dims()).unwrap(), block);
        assert_eq!(block.encode(), bytes);
    }
    let mut large = message(2);
    large.dictionary.push("x".repeat(MAX_BLOCK_BYTES));
    let (columns, texts) = parted(&large);
    let refused = texts.seal(&columns, ID, model().dims()).unwrap_err();
    assert_eq!(Block::seal(large, ID, model().dims()).unwrap_err(), refused);
    assert_eq!(refused.code(), Code::BlockInvalid);
}

/// A message without its candidates' texts, and these.
fn parted(message: &BlockMessage) -> (BlockMessage, Texts<'_>) {
    fn borrowed(texts: &[String]) -> Vec<&str> {
        texts.iter().map(String::as_str).collect()
    }
    let texts = Texts {
        ids: borrowed(&message.ids),
        dictionary: borrowed(&message.dictionary),
        titles: borrowed(&message.titles),
        thumbnails: borrowed(&message.thumbnails),
    };
    let columns = BlockMessage {
        ids: Vec::new(),
        dictionary: Vec::new(),
        titles: Vec::new(),
        thumbnails: vec!["of nobody".to_owned()],
        ..message.clone()
    };
    (columns, texts)
}

proptest! {
    /// With texts of whoever holds them the bytes are the same, and so is what is refused.
    #[test]
    fn borrowed_texts_make_the_same_block(
        n in 0_usize..9,
        has_titles: bool,
        thumbnail in "[a-z]{0,3}",
        arm in "[a-z\n]{0,3}",
        at_ms in prop::collection::vec(any::<i64>(), 9),
        numbers in prop::collection::vec(any::<u32>(), 9),
        removed in prop::collection::btree_set("[ab]{0,3}", 0..4),
        (alike, short) in (0_usize..9, 0_usize..40),
    ) {
        let mut message = regional_of(message(n));
        message.removed = removed.into_iter().collect();
        message.thumbnails = vec![thumbnail; n];
        message.arm = arm;
        (message.published_at_ms, message.sources) = (at_ms[..n].to_vec(), numbers[..n].to_vec());
        if !has_titles {
            message.titles.clear();
        }
        if short == 0 {
            message.priors.clear();
        }
        if short < 4 && alike < n {
            message.ids[alike] = message.ids[0].clone();
        }
        let (columns, texts) = parted(&message);
        prop_assert_eq!(&texts.message(columns.clone()), &message);
        let written = texts.seal(&columns, ID, model().dims());
        prop_assert_eq!(written, Block::seal(message, ID, model().dims()).map(|(_, bytes)| bytes));
    }
}

#[test]
fn a_row_outside_is_unknown() {
    let block = block(2);
    for row in [2, 3, usize::MAX / 1024] {
        assert!(block.id(row).is_empty() && block.vector(row).is_none() && block.factor(row).is_none());
        assert!(block.candidate(row).is_none() && block.tags(row).next().is_none() && block.rating(row).is_none());
    }
}

#[test]
fn a_block_without_candidates_or_factors_is_a_block() {
    assert!(decode(&message(0)).unwrap().is_empty());
    let bare = BlockMessage {
        factor_dim: 0,
        factors: vec![],
        factor_scales: vec![],
        ..message(3)
    };
    assert_eq!(decode(&bare).unwrap().factor(0), None);
}

#[test]
fn a_block_cut_anywhere_is_refused() {
    let bytes = block(5).encode();
    for end in 0..bytes.len() {
        assert!(
            Block::decode(&bytes[..end], ID, model().dims()).is_err(),
            "cut at {end}"
        );
    }
    let cut = Block::decode(&bytes[..bytes.len() - 1], ID, model().dims()).unwrap_err();
    assert_eq!(cut.code(), Code::BlockUnreadable);
}

#[test]
fn every_bound_has_its_code() {
    type Break = fn(&mut BlockMessage);
    let invalid = Code::BlockInvalid;
    let cases: [(&str, Code, Break); 52] = [
        ("version", Code::BundleVersion, |m| m.version = 2),
        ("another bundle", Code::BundleMismatch, |m| {
            m.bundle_id = "ff".repeat(32)
        }),
        ("vector_dim", invalid, |m| m.vector_dim = 5),
        ("factor_dim", invalid, |m| m.factor_dim = 4),
        ("factors without a width", invalid, |m| m.factor_dim = 0),
        ("vectors short", invalid, |m| m.vectors.truncate(19)),
        ("vectors level", invalid, |m| m.vectors[3] = 0x80),
        ("factors short", invalid, |m| m.factors.truncate(14)),
        ("factors level", invalid, |m| m.factors[3] = 0x80),
        ("vector_scales short", invalid, |m| m.vector_scales.truncate(4)),
        ("vector_scales negative", invalid, |m| m.vector_scales[0] = -1.0),
        ("vector_scales NaN", Code::NotFinite, |m| m.vector_scales[0] = f32::NAN),
        ("factor_scales short", invalid, |m| m.factor_scales.truncate(4)),
        ("factor_scales infinite", Code::NotFinite, |m| {
            m.factor_scales[4] = f32::INFINITY
        }),
        ("sources short", invalid, |m| m.sources.truncate(4)),
        ("server_scores short", invalid, |m| m.server_scores.truncate(4)),
        ("server_scores NaN", Code::NotFinite, |m| m.server_scores[1] = f32::NAN),
        ("priors short", invalid, |m| m.priors.truncate(4)),
        ("priors NaN", Code::NotFinite, |m| m.priors[1] = f32::NAN),
        ("effects short", invalid, |m| m.effects.truncate(4)),
        ("effects NaN", Code::NotFinite, |m| m.effects[1] = f32::NAN),
        ("log_popularity short", invalid, |m| m.log_popularity.truncate(4)),
        ("log_popularity NaN", Code::NotFinite, |m| {
            m.log_popularity[1] = f32::NAN
        }),
        ("length_seconds short", invalid, |m| m.length_seconds.truncate(4)),
        ("length_seconds NaN", Code::NotFinite, |m| {
            m.length_seconds[1] = f32::NAN
        }),
        ("published_at_ms long", invalid, |m| m.published_at_ms.push(0)),
        ("languages short", invalid, |m| m.languages.truncate(4)),
        ("languages row", Code::IdOutOfRange, |m| m.languages[0] = 9),
        ("ratings row", Code::IdOutOfRange, |m| m.ratings[0] = 9),
        ("channels row", Code::IdOutOfRange, |m| m.channels[0] = u32::MAX),
        ("tags row", Code::IdOutOfRange, |m| m.tags[0] = 9),
        ("tags long", invalid, |m| m.tags.push(1)),
        ("tag_counts short", invalid, |m| m.tag_counts.truncate(4)),
        ("region_counts short", invalid, |m| m.region_counts = vec![0; 4]),
        ("region_counts large", invalid, |m| {
            m.region_counts = vec![0, 0, 301, 0, 0]
        }),
        ("regions long", invalid, |m| m.regions.push(1)),
        ("regions row", Code::IdOutOfRange, |m| {
            (m.region_counts, m.regions) = (vec![1, 0, 0, 0, 0], vec![9])
        }),
        ("contents short", invalid, |m| m.contents = vec![0; 4]),
        ("contents row", Code::IdOutOfRange, |m| m.contents = vec![9, 0, 0, 0, 0]),
        ("tag_counts high", invalid, |m| m.tag_counts[0] = MAX_TAGS as u32 + 1),
        ("titles short", invalid, |m| m.titles.truncate(4)),
        ("thumbnails short", invalid, |m| m.thumbnails.push(String::new())),
        ("title long", invalid, |m| m.titles[0] = "x".repeat(MAX_TEXT_BYTES + 1)),
        ("id empty", invalid, |m| m.ids[0].clear()),
        ("id long", invalid, |m| m.ids[0] = "x".repeat(MAX_ID_BYTES + 1)),
        ("ids alike", invalid, |m| m.ids[0] = m.ids[4].clone()),
        ("removed not rising", invalid, |m| {
            m.removed = vec!["b".into(), "b".into()]
        }),
        ("removed long", invalid, |m| {
            m.removed = vec!["x".repeat(MAX_ID_BYTES + 1)]
        }),
        ("removed many", invalid, |m| {
            m.removed = (0..=MAX_REMOVED).map(|i| format!("r{i:06}")).collect()
        }),
        ("arm long", invalid, |m| m.arm = "x".repeat(MAX_ARM_BYTES + 1)),
        ("arm of two lines", invalid, |m| m.arm = "a\nb".into()),
        ("arm beyond ASCII", invalid, |m| m.arm = "ä".into()),
    ];
    for (name, code, break_it) in cases {
        let mut message = message(5);
        break_it(&mut message);
        assert_eq!(decode(&message).map(|_| ()).map_err(|e| e.code()), Err(code), "{name}");
        let (columns, texts) = parted(&message);
        let sealed = texts.seal(&columns, ID, model().dims());
        assert_eq!(sealed.map_err(|e| e.code()), Err(code), "{name}, borrowed");
    }
    assert!(decode(&message(MAX_CANDIDATES)).is_ok());
    assert_eq!(decode(&message(MAX_CANDIDATES + 1)).unwrap_err().code(), invalid);
    assert_eq!(
        Block::decode(&vec![0; MAX_BLOCK_BYTES + 1], ID, model().dims())
            .unwrap_err()
            .code(),
        invalid
    );
}

#[test]
fn text_that_is_not_utf8_is_unreadable() {
    let mut bytes = message(1).encode_to_vec();
    let at = bytes.windows(4).position(|w| w == b"v000").unwrap();
    bytes[at] = 0xff;
    assert_eq!(
        Block::decode(&bytes, ID, model().dims()).unwrap_err().code(),
        Code::BlockUnreadable
    );
}

#[test]
fn a_block_lasts_until_its_expiry_and_no_longer() {
    let block = block(1);
    assert!(block.check_fresh(NOW).is_ok());
    assert_eq!(block.check_fresh(NOW + 1).unwrap_err().code(), Code::BlockExpired);
}

#[test]
fn five_hundred_candidates_of_full_width_fit_in_100_kb() {
    let mut message = message(500);
    (message.vector_dim, message.factor_dim) = (64, 64);
    message.vectors = vec![7; 500 * 64];
    message.factors = vec![7; 500 * 64];
    let bytes = message.encode_to_vec();
    assert!(Block::decode(&bytes, ID, Dims { vector: 64, factor: 64 }).is_ok());
    assert!(bytes.len() <= 100_000 + 500 * 20, "{} bytes", bytes.len());
    message.titles.clear();
    assert!(
        message.encode_to_vec().len() <= 100_000,
        "{} bytes",
        message.encode_to_vec().len()
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Block::decode(&bytes, ID, model().dims());
    }

    #[test]
    fn a_changed_block_is_refused_or_readable(at: prop::sample::Index, byte: u8) {
        let mut bytes = block(5).encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(block) = Block::decode(&bytes, ID, model().dims()) {
            for row in 0..block.len() {
                prop_assert_eq!(block.row_of(block.id(row)), Some(row));
                prop_assert!(block.candidate(row).is_some());
                block.tags(row).for_each(drop);
            }
        }
    }
}
