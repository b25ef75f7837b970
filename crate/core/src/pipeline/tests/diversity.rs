//! What the wishes for diversity do to a slate.

use super::*;

#[test]
fn with_the_dial_at_zero_every_method_gives_the_order_of_relevance() {
    let block = block(60);
    let slate = |method, diversity| {
        let options = Options {
            method,
            diversity,
            size: 40,
            ..Options::default()
        };
        shown(&slate_of(&block, &viewer(&block), &context(), &options))
    };
    for method in Method::ALL {
        assert_eq!(slate(method, 0.0), slate(Method::Mmr, 0.0));
        assert_ne!(slate(method, 0.8), slate(Method::Mmr, 0.0));
    }
    assert_ne!(slate(Method::Dpp, 0.8), slate(Method::Ssd, 0.8));
}

#[test]
fn a_cap_holds_whatever_else_is_wished_and_names_whom_it_drops() {
    let block = block(60);
    for (explore, size) in [(0.0, 12), (1.0, 60)] {
        let options = Options {
            explore,
            size,
            per_channel: Some(4),
            per_tag: Some(3),
            ..Options::default()
        };
        let slate = slate_of(&block, &viewer(&block), &context(), &options);
        let rows = || slate.items.iter().map(|item| item.row);
        for channel in ["ch1", "ch2"] {
            assert!(rows().filter(|row| block.channel(*row) == Some(channel)).count() <= 4);
        }
        for tag in ["music", "猫"] {
            assert!(rows().filter(|row| block.tags(*row).any(|t| t == tag)).count() <= 3);
        }
        let reasons = |reason| slate.dropped.iter().filter(|d| d.reason == reason).count();
        assert!(reasons(DropReason::ChannelCap) > 0 && reasons(DropReason::TagCap) > 0);
        assert_eq!(slate.items.len() + slate.dropped.len(), 60);
    }
}

#[test]
fn calibration_brings_the_channels_of_the_past() {
    let block = block(60);
    let mut viewer = viewer(&block);
    // v002 is of ch2, and so is every third one.
    viewer
        .history
        .record(feedback(EventKind::Like, NOW - 1000, "v005", None), Some(&block))
        .unwrap();
    let of_the_past = |calibration| {
        let options = Options {
            calibration,
            ..Options::default()
        };
        let slate = slate_of(&block, &viewer, &context(), &options);
        let of = |channel| {
            slate
                .items
                .iter()
                .filter(|i| block.channel(i.row) == Some(channel))
                .count()
        };
        (of("ch1"), of("ch2"))
    };
    let (without, with) = (of_the_past(0.0), of_the_past(1.0));
    // Relevant were v000 of ch1, watched to its end, and v002 and v005 of ch2.
    assert!(with.0 + with.1 == 12 && with.1 > with.0 && with.0 > 0, "{with:?}");
    assert!(without.0 + without.1 < 12, "{without:?}");
}
