//! What an account did changes its next block, and nobody else's.

use serde_json::{Value, json};
use upnext_core::block::{Block, Dims, source};
use upnext_core::fold_in::fold_in;

use super::client::{Client, NOW, bearer};
use super::fixture::{FACTOR_DIM, VECTOR_DIM, VIDEOS, WARM, World, spec};

async fn block(client: &Client, account: &str, size: usize) -> Block {
    let uri = format!("/v1/candidates?size={size}");
    let answer = client.get(&uri, &[("authorization", &bearer(account))]).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let dims = Dims {
        vector: VECTOR_DIM,
        factor: FACTOR_DIM,
    };
    Block::decode(&answer.body, &client.id, dims).unwrap()
}

fn ids(block: &Block) -> Vec<String> {
    (0..block.len()).map(|row| block.id(row).to_owned()).collect()
}

fn event(id: &str, kind: &str, video: &str) -> Value {
    json!({"id": id, "type": kind, "video_id": video, "timestamp": NOW - 1000})
}

fn watch(id: &str, video: &str, seconds: f32) -> Value {
    let mut event = event(id, "watch", video);
    event["seconds"] = json!(seconds);
    event
}

#[tokio::test]
async fn an_account_that_the_bundle_does_not_know_is_folded_in_from_its_first_event() {
    let client = Client::keeping();
    let unknown = client.get("/v1/candidates", &[("authorization", &bearer("zoe"))]).await;
    assert_eq!(unknown.error(), (404, "account-unknown".to_owned()));
    client
        .post("zoe", json!([event("1", "like", "v003"), event("2", "like", "v011")]))
        .await;
    let block = block(&client, "zoe", 500).await;
    // The reference: core's half-step over what travels to devices, and every inner product.
    let world = World::small();
    let gram = upnext_core::fold_in::Gram::of(FACTOR_DIM, &world.factors);
    let rows = ["v011", "v003"].map(|id| block.row_of(id).unwrap());
    let rows = rows.map(|row| block.factor(row).unwrap());
    let factor = fold_in(&spec().user.fold_in, &gram, &rows);
    let score = |row: usize| -> f32 {
        let values = world.factors[row * FACTOR_DIM..(row + 1) * FACTOR_DIM].iter();
        values.zip(&factor).map(|(a, b)| a * b).sum()
    };
    let mut expected: Vec<usize> = (0..WARM).collect();
    expected.sort_by(|a, b| score(*b).total_cmp(&score(*a)));
    let cf: Vec<String> = (0..block.len())
        .filter(|row| block.sources(*row) & source::CF != 0)
        .map(|row| block.id(row).to_owned())
        .collect();
    assert_eq!(cf.len(), WARM);
    assert_eq!(cf[0], world.ids[expected[0]]);
    let near: Vec<f32> = (0..WARM)
        .map(|row| block.server_score(block.row_of(&world.ids[row]).unwrap()))
        .collect();
    let by_cf = (0..WARM).filter(|row| block.sources(block.row_of(&world.ids[*row]).unwrap()) & source::CF != 0);
    assert!(by_cf.filter(|row| (near[*row] - score(*row)).abs() < 1e-3).count() >= WARM / 2);
}

#[tokio::test]
async fn new_events_move_the_factor_of_a_known_account_and_of_nobody_else() {
    let client = Client::keeping();
    let before = (block(&client, "ann", 30).await, block(&client, "bob", 30).await);
    // What ann's factor puts last, ann likes now.
    let last = before.0.id(WARM - 1).to_owned();
    let score = |block: &Block, id: &str| block.server_score(block.row_of(id).unwrap());
    let old = score(&before.0, &last);
    client.post("ann", json!([event("1", "like", &last)])).await;
    let after = block(&client, "ann", 40).await;
    assert!(after.sources(after.row_of(&last).unwrap()) & source::CF != 0);
    assert!(score(&after, &last) > old, "{} > {old}", score(&after, &last));
    assert_eq!(ids(&block(&client, "bob", 30).await), ids(&before.1));
    // What happened before the factors were learnt is in them already: the fixture's window ends at 1 ms.
    let public = client.get("/v1/candidates", &[]).await;
    assert_eq!(public.status, 200);
}

#[tokio::test]
async fn what_an_account_is_done_with_is_not_offered_again_and_the_block_is_still_full() {
    let client = Client::keeping();
    // Lengths are row + 1 seconds, every fifth unknown.
    client
        .post(
            "ann",
            json!([
                watch("1", "v011", 6.5),
                watch("2", "v012", 3.0),
                watch("3", "v012", 4.0),
                watch("4", "v013", 1.0),
                event("5", "dislike", "v001"),
                event("6", "not_interested", "v002"),
            ]),
        )
        .await;
    let block_of_ann = block(&client, "ann", 500).await;
    for gone in ["v011", "v012", "v001", "v002"] {
        assert_eq!(block_of_ann.row_of(gone), None, "{gone}");
    }
    assert!(block_of_ann.row_of("v013").is_some(), "hardly begun");
    assert_eq!(block_of_ann.len(), VIDEOS - 4);
    assert_eq!(block(&client, "ann", 36).await.len(), 36, "a filter never under-fills");
    assert_eq!(block(&client, "bob", 500).await.len(), VIDEOS);
    client.post("ann", json!([event("7", "like", "v001")])).await;
    assert!(
        block(&client, "ann", 500).await.row_of("v001").is_some(),
        "the last word counts"
    );
}

#[tokio::test]
async fn neighbours_and_the_popular_come_from_what_others_found() {
    let client = Client::keeping();
    for account in ["n1", "n2", "n3"] {
        client
            .post(account, json!([event("1", "like", "v036"), event("2", "like", "v038")]))
            .await;
    }
    client.post("zoe", json!([event("1", "like", "v036")])).await;
    let block_of_zoe = block(&client, "zoe", 40).await;
    let row = block_of_zoe.row_of("v038").unwrap();
    assert!(block_of_zoe.sources(row) & source::NEIGHBOUR != 0);
    assert!(
        block_of_zoe.sources(row) & source::POPULAR != 0,
        "three accounts found it"
    );
    let stranger = block(&client, "ann", 40).await;
    let row = stranger.row_of("v038").unwrap();
    assert_eq!(
        stranger.sources(row) & source::NEIGHBOUR,
        0,
        "ann shares nothing with them"
    );
    let restarted = client.restarted();
    let row = block_of_zoe.row_of("v036").unwrap();
    let again = block(&restarted, "zoe", 40).await;
    assert_eq!(
        ids(&again),
        ids(&block_of_zoe),
        "what is known is known after a restart"
    );
    assert_eq!(again.sources(row), block_of_zoe.sources(row));
}

#[tokio::test]
async fn one_account_alone_makes_nothing_popular_however_often_it_says_so() {
    let client = Client::keeping();
    let many: Vec<Value> = (0..50).map(|i| event(&i.to_string(), "like", "v038")).collect();
    client.post("ann", json!(many)).await;
    let answer = client.get("/v1/candidates", &[]).await;
    let dims = Dims {
        vector: VECTOR_DIM,
        factor: FACTOR_DIM,
    };
    let public = Block::decode(&answer.body, &client.id, dims).unwrap();
    assert!((0..public.len()).all(|row| public.sources(row) & source::POPULAR == 0));
}

#[tokio::test]
async fn no_token_gives_another_accounts_block() {
    let client = Client::keeping();
    client
        .post(
            "zoe",
            json!([event("1", "like", "v003"), event("2", "dislike", "v004")]),
        )
        .await;
    let zoe = bearer("zoe");
    let uri = "/v1/candidates?languages=de&size=30";
    let own = client.get(uri, &[("authorization", &zoe)]).await;
    for other in ["ann", "bob", "new"] {
        let token = bearer(other);
        let answer = client.get(uri, &[("authorization", &token)]).await;
        assert_ne!(answer.body, own.body, "{other}");
        // Naming somebody beside one's token is refused, in the query and in a header it says nothing.
        let named = client
            .get(&format!("{uri}&account=zoe"), &[("authorization", &token)])
            .await;
        assert_eq!(named.status, 400);
        let header = client
            .get(uri, &[("authorization", &token), ("x-account", "zoe")])
            .await;
        assert_eq!(header.body, answer.body);
        let tag = own.header(axum::http::header::ETAG);
        let conditional = client
            .get(uri, &[("authorization", &token), ("if-none-match", tag)])
            .await;
        assert_eq!(conditional.status, 200, "another's tag opens nothing");
        // The signature is of the whole token: a subject that is changed is found.
        let mut parts: Vec<&str> = token.split('.').collect();
        let stolen = zoe.split('.').nth(1).unwrap();
        parts[1] = stolen;
        let forged = client.get(uri, &[("authorization", &parts.join("."))]).await;
        assert_eq!(forged.error(), (401, "token-invalid".to_owned()));
    }
}
