//! Candidate blocks: what is in them, for whom, in which format.

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use proptest::prelude::*;
use upnext_core::block::{Block, Dims, source};
use upnext_server::app::Settings;
use upnext_server::candidates::{Asker, Label, Shares, Wish, block, select};
use upnext_server::catalogue::{Catalogue, content};
use upnext_server::edition::{Audience, Edition};
use upnext_server::json_block::JsonBlock;
use upnext_server::known::Known;
use upnext_server::pulse::Pulse;

use super::client::{Answer, Client, NOW, bearer};
use super::fixture::{FACTOR_DIM, VECTOR_DIM, VIDEOS, WARM, World, noise, quantised, root_with};

const DIMS: Dims = Dims {
    vector: VECTOR_DIM,
    factor: FACTOR_DIM,
};

fn decode(client: &Client, answer: &Answer) -> Block {
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header(CONTENT_TYPE), "application/x-protobuf");
    Block::decode(&answer.body, &client.id, DIMS).unwrap()
}

fn ids(block: &Block) -> Vec<String> {
    (0..block.len()).map(|row| block.id(row).to_owned()).collect()
}

#[tokio::test]
async fn a_newcomer_gets_the_shelves_of_the_languages_in_turn() {
    let client = Client::new();
    let block = decode(
        &client,
        &client.get("/v1/candidates?languages=en,de-AT&size=9", &[]).await,
    );
    assert_eq!(
        ids(&block),
        ["v004", "v035", "v005", "v001", "v002", "v003", "v039", "v038", "v037"]
    );
    assert!((0..9).all(|row| block.sources(row) == source::CONTENT));
    let all = decode(&client, &client.get("/v1/candidates", &[]).await);
    assert_eq!(all.len(), VIDEOS, "the pool is larger than the catalogue");
}

#[tokio::test]
async fn an_account_gets_the_best_of_its_factor_then_the_shelf() {
    let client = Client::new();
    let world = World::small();
    let (account, factor) = &world.accounts[0];
    let mut expected: Vec<(f32, usize)> = (0..WARM)
        .map(|row| {
            let item = &world.factors[row * FACTOR_DIM..(row + 1) * FACTOR_DIM];
            (
                item.iter()
                    .zip(factor)
                    .map(|(a, b)| f64::from(*a) * f64::from(*b))
                    .sum::<f64>() as f32,
                row,
            )
        })
        .collect();
    expected.sort_by(|a, b| b.0.total_cmp(&a.0));
    let token = bearer(account);
    let block = decode(
        &client,
        &client
            .get("/v1/candidates?size=35&languages=de", &[("authorization", &token)])
            .await,
    );
    assert_eq!(block.len(), 35);
    for (place, (score, row)) in expected.iter().enumerate() {
        assert_eq!(
            (block.id(place), block.server_score(place)),
            (world.ids[*row].as_str(), *score)
        );
        assert_eq!(block.sources(place) & source::CF, source::CF);
    }
    assert_eq!(
        block.sources(block.row_of("v001").unwrap()),
        source::CF | source::CONTENT,
        "both sources named it"
    );
    assert_eq!(
        block.id(WARM),
        "v035",
        "what nobody has watched yet comes from the shelf"
    );
    assert_eq!(block.sources(WARM), source::CONTENT);
}

#[tokio::test]
async fn an_account_of_which_nothing_was_learnt_gets_the_shelf() {
    let client = Client::new();
    let known = client
        .get(
            "/v1/candidates?languages=de&size=6",
            &[("authorization", &bearer("new"))],
        )
        .await;
    let public = client.get("/v1/candidates?languages=de&size=6", &[]).await;
    assert_eq!(known.body, public.body);
}

#[tokio::test]
async fn columns_are_those_of_the_tables() {
    let client = Client::new();
    let world = World::small();
    let block = decode(&client, &client.get("/v1/candidates", &[]).await);
    let (levels, scales) = quantised(&world.vectors, VECTOR_DIM);
    for video in 0..VIDEOS {
        let row = block.row_of(&world.ids[video]).unwrap();
        let unless = |every: usize| video % every != every - 1;
        assert_eq!(
            block.title(row).map(str::to_owned),
            unless(7).then(|| format!("Titel {video} – 動画"))
        );
        assert_eq!(block.length_seconds(row), unless(5).then_some(video as f32 + 1.0));
        assert_eq!(block.language(row), unless(3).then_some(["de", "en"][video % 2]));
        assert_eq!(block.rating(row), unless(2).then_some("PG"));
        assert_eq!(block.channel(row).unwrap(), format!("channel{}", video % 6));
        assert_eq!(
            block.published_at_ms(row),
            unless(4).then_some(1_600_000_000_000 + video as i64)
        );
        assert_eq!(
            block.tags(row).collect::<Vec<_>>(),
            &["tag0", "tag1", "tag2"][..video % 4]
        );
        assert_eq!(block.prior(row), video as f32 / 10.0 - 2.0);
        assert_eq!(block.effect(row), 0.5 - video as f32 / 40.0);
        assert_eq!(block.log_popularity(row), (video as f32 + 1.0).ln());
        let vector = block.vector(row).unwrap();
        assert_eq!(vector.scale, scales[video]);
        let expected: Vec<i8> = levels[video * VECTOR_DIM..(video + 1) * VECTOR_DIM]
            .iter()
            .map(|b| b.cast_signed())
            .collect();
        assert_eq!(vector.values, expected);
        assert_eq!(block.factor(row).unwrap().scale == 0.0, video >= WARM);
    }
    assert_eq!(block.thumbnail(0), None);
}

#[tokio::test]
async fn json_says_the_same_as_protobuf() {
    let client = Client::new();
    let token = bearer("bob");
    let uri = "/v1/candidates?languages=en&size=33";
    let block = decode(&client, &client.get(uri, &[("authorization", &token)]).await);
    let answer = client
        .get(uri, &[("authorization", &token), ("accept", "application/json")])
        .await;
    assert_eq!(answer.header(CONTENT_TYPE), "application/json");
    let json: JsonBlock = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(json, JsonBlock::from(&block));
    assert_eq!(json.rows.len(), 33);
    assert_eq!(json.rows[0].sources[0], "cf");
}

#[tokio::test]
async fn public_blocks_may_be_cached_by_anyone_and_accounts_blocks_by_nobody_else() {
    let client = Client::new();
    let public = client.get("/v1/candidates?languages=de", &[]).await;
    let step = 30 * 60 * 1000;
    let fresh_ms = step - NOW % step;
    assert_eq!(
        public.header(CACHE_CONTROL),
        format!("public, max-age={}", fresh_ms / 1000)
    );
    assert_eq!(decode(&client, &public).expires_at_ms(), NOW + fresh_ms + step);
    for part in ["accept", "authorization", "accept-encoding"] {
        let vary = public
            .headers
            .get_all(VARY)
            .iter()
            .map(|v| v.to_str().unwrap())
            .collect::<Vec<_>>()
            .join(", ");
        assert!(vary.split(", ").any(|name| name == part), "{vary} lacks {part}");
    }
    let private = client.get("/v1/candidates", &[("authorization", &bearer("ann"))]).await;
    assert!(private.header(CACHE_CONTROL).starts_with("private, "));
}

#[tokio::test]
async fn a_block_that_the_client_has_is_not_sent_again() {
    let client = Client::new();
    let first = client.get("/v1/candidates?languages=de", &[]).await;
    let again = client
        .get("/v1/candidates?languages=de", &[("if-none-match", first.header(ETAG))])
        .await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(again.header(ETAG), first.header(ETAG));
    assert_eq!(again.header(CACHE_CONTROL), first.header(CACHE_CONTROL));
    let json = [("if-none-match", first.header(ETAG)), ("accept", "application/json")];
    assert_eq!(
        client.get("/v1/candidates?languages=de", &json).await.status,
        StatusCode::OK,
        "another format"
    );
    let other = client
        .get("/v1/candidates?languages=en", &[("if-none-match", first.header(ETAG))])
        .await;
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn answers_are_compressed_where_the_client_takes_it() {
    let client = Client::new();
    let headers = [("accept", "application/json"), ("accept-encoding", "gzip")];
    let answer = client.get("/v1/candidates", &headers).await;
    assert_eq!(answer.header(CONTENT_ENCODING), "gzip");
    assert_eq!(answer.body[..2], [0x1f, 0x8b]);
}

#[tokio::test]
async fn the_pool_sets_the_size_where_the_request_does_not() {
    let client = Client::with(
        Settings {
            pool: 7,
            ..Settings::default()
        },
        NOW,
    );
    assert_eq!(decode(&client, &client.get("/v1/candidates", &[]).await).len(), 7);
    assert_eq!(
        decode(&client, &client.get("/v1/candidates?size=12", &[]).await).len(),
        12
    );
}

#[test]
fn five_hundred_candidates_without_display_fields_stay_under_100_kb() {
    // The widest vectors and factors in use, 64 + 64 levels, and a dictionary of channels; before compression.
    let message = upnext_core::block::BlockMessage {
        version: 1,
        bundle_id: "a".repeat(64),
        expires_at_ms: NOW,
        ids: (0..500).map(|row| format!("video-{row:05}")).collect(),
        vector_dim: 64,
        vectors: vec![200; 500 * 64],
        vector_scales: vec![0.01; 500],
        factor_dim: 64,
        factors: vec![200; 500 * 64],
        factor_scales: vec![0.01; 500],
        sources: vec![5; 500],
        server_scores: vec![0.5; 500],
        priors: vec![0.5; 500],
        log_popularity: vec![0.5; 500],
        length_seconds: vec![60.0; 500],
        published_at_ms: vec![1_700_000_000_000; 500],
        languages: vec![1; 500],
        ratings: vec![2; 500],
        channels: (0..500).map(|row| 3 + row % 200).collect(),
        tag_counts: vec![0; 500],
        tags: vec![],
        region_counts: vec![0; 500],
        regions: vec![],
        contents: (0..500).map(|row| 301 + row).collect(),
        dictionary: (0..300)
            .map(|word| format!("word {word}"))
            .chain((0..500).map(|hash| content(Some(&format!("{hash}")))))
            .collect(),
        titles: vec![],
        thumbnails: vec![],
        effects: vec![0.5; 500],
        removed: vec![],
        arm: String::new(),
    };
    let block = Block::from_message(message, &"a".repeat(64), Dims { vector: 64, factor: 64 }).unwrap();
    assert!(block.encode().len() <= 100 * 1024, "{}", block.encode().len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whoever asks for whatever size: `min(size, catalogue)` distinct videos, in a block that a device takes,
    /// the same each time.
    #[test]
    fn every_selection_is_a_sound_block(
        seed: u64,
        size in 1_usize..60,
        languages in prop::collection::vec(prop::sample::select(vec!["de", "en", "de-CH", "ja"]), 0..3),
        anonymous: bool,
    ) {
        let (root, id) = root_with(&World::small());
        let edition = Edition::new(Catalogue::load(root.path()).unwrap(), &[], &Audience::default()).unwrap();
        let (stock, pulse) = (edition.stock(), Pulse::new(NOW));
        let languages: Vec<String> = languages.into_iter().map(str::to_owned).collect();
        let known = Known { factor: noise(seed, FACTOR_DIM), ..Known::default() };
        let asker = if anonymous { Asker::Anonymous } else { Asker::Known(Box::new(known)) };
        let wish = Wish { languages, size, shares: Shares::default(), now_ms: NOW };
        let selection = select(&stock, &pulse, &asker, &wish).unwrap();
        prop_assert!(selection.missing.is_empty());
        let candidates = selection.candidates;
        prop_assert_eq!(candidates.len(), size.min(VIDEOS));
        let label = Label { now_ms: NOW, expires_at_ms: NOW, arm: None };
        let bytes = block(&stock, &candidates, label).unwrap();
        let decoded = Block::decode(&bytes, &id, DIMS).unwrap();
        prop_assert_eq!(decoded.len(), candidates.len());
        prop_assert!(decoded.check_fresh(NOW - 1).is_ok());
        let again = select(&stock, &pulse, &asker, &wish).unwrap().candidates;
        prop_assert_eq!(candidates, again);
    }
}
