//! Mode `recent`: videos that somebody without an account names are folded in for one answer, and for nothing else.

use std::collections::BTreeMap;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{Method, Request};
use proptest::prelude::*;
use serde_json::{Value, json};
use upnext_core::request::MAX_RECENT;
use upnext_server::catalogue::Catalogue;
use upnext_server::edition::{Audience, Edition};
use upnext_server::known::Known;
use upnext_server::route::recent::MAX_BODY_BYTES;

use super::client::{Answer, Client, NOW, bearer};
use super::fixture::{VIDEOS, World, root_with};

async fn named(client: &Client, query: &str, videos: &[&str]) -> Answer {
    let uri = format!("/v1/candidates{query}");
    let headers = [("accept", "application/json"), ("content-type", "application/json")];
    client
        .with_body(Method::POST, &uri, &headers, json!({ "recent": videos }))
        .await
}

fn rows(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let block: Value = serde_json::from_slice(&answer.body).unwrap();
    assert!(block.get("arm").is_none());
    block["rows"].as_array().unwrap().clone()
}

fn scores_by_factor(rows: &[Value]) -> BTreeMap<String, f64> {
    rows.iter()
        .filter(|row| row["sources"][0] == "cf")
        .map(|row| {
            (
                row["id"].as_str().unwrap().to_owned(),
                row["server_score"].as_f64().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn what_is_named_is_folded_in_as_the_events_of_an_account_are() {
    let client = Client::keeping();
    let like =
        |id: &str, video: &str, ago: i64| json!({"id": id, "type": "like", "video_id": video, "timestamp": NOW - ago});
    client
        .post("zoe", json!([like("1", "v003", 2000), like("2", "v011", 1000)]))
        .await;
    let headers = [
        ("authorization", bearer("zoe")),
        ("accept", "application/json".to_owned()),
    ];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let of_account = rows(&client.get("/v1/candidates?languages=de", &headers).await);
    let of_named = rows(&named(&client, "?languages=de", &["v011", "v003"]).await);
    let (account, own) = (scores_by_factor(&of_account), scores_by_factor(&of_named));
    assert!(own.len() > 20);
    for (id, score) in &own {
        assert_eq!(account.get(id), Some(score), "{id}: one and the same half-step");
    }
    // What was named was seen.
    assert_eq!(of_named.len(), VIDEOS - 2);
    assert!(of_named.iter().all(|row| row["id"] != "v003" && row["id"] != "v011"));
    assert!(
        of_named[0]["sources"][0] == "cf"
            && rows(&client.get("/v1/candidates", &[("accept", "application/json")]).await)[0]["sources"][0] != "cf"
    );
}

#[tokio::test]
async fn unknown_videos_are_counted_and_not_refused() {
    let client = Client::keeping();
    client.admin(Method::DELETE, "/v1/videos/v007", "").await;
    let known = rows(&named(&client, "", &["v003"]).await);
    let with_unknown = rows(&named(&client, "", &["none", "v003", "v007", "v003", "猫"]).await);
    assert_eq!(known, with_unknown);
    let nothing = rows(&named(&client, "", &["none"]).await);
    let cold = rows(&named(&client, "", &[]).await);
    assert_eq!(nothing, cold);
    assert!(
        cold.iter().all(|row| row["sources"] == json!(["content"])),
        "the shelves"
    );
    let text = String::from_utf8(client.get("/metrics", &[]).await.body).unwrap();
    for line in [
        "upnext_recent_videos_total{result=\"known\"} 3",
        "upnext_recent_videos_total{result=\"unknown\"} 4",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("v003") && !text.contains("none\""));
}

#[tokio::test]
async fn nothing_of_it_is_kept_and_no_cache_may_keep_it() {
    let client = Client::keeping();
    let public = client.get("/v1/candidates?languages=de", &[]).await;
    let answer = named(&client, "?languages=de", &["v003"]).await;
    assert_eq!(answer.header(CACHE_CONTROL), "no-store");
    assert!(!answer.headers.contains_key(ETAG));
    let again = client.get("/v1/candidates?languages=de", &[]).await;
    assert_eq!(
        (public.body, public.headers),
        (again.body, again.headers),
        "nobody else sees anything of it"
    );
    let events = rusqlite_count(&client);
    assert_eq!(events, 0);
    let protobuf = client
        .with_body(
            Method::POST,
            "/v1/candidates?size=3",
            &[],
            json!({ "recent": ["v003"] }),
        )
        .await;
    assert_eq!(protobuf.header(CONTENT_TYPE), "application/x-protobuf");
}

fn rusqlite_count(client: &Client) -> usize {
    let store =
        upnext_server::store::open_reader(&client.root.path().join("data").join(upnext_server::store::FILE)).unwrap();
    upnext_server::store::event::accounts(&store).unwrap().len()
}

#[tokio::test]
async fn it_is_bounded_and_holds_nothing_that_was_not_declared() {
    let client = Client::new();
    let send = async |headers: &[(&str, &str)], query: &str, body: Value| {
        client
            .with_body(Method::POST, &format!("/v1/candidates{query}"), headers, body)
            .await
    };
    let most = vec!["v001"; MAX_RECENT];
    assert_eq!(send(&[], "", json!({ "recent": most })).await.status, 200);
    for (body, query) in [
        (json!({ "recent": vec!["v001"; MAX_RECENT + 1] }), ""),
        (json!({ "recent": [""] }), ""),
        (json!({ "recent": [], "hour": 22 }), ""),
        (json!({ "recent": [], "hour": [] }), ""),
        (json!({}), ""),
        (json!([["v001"]]), ""),
        (json!({ "recent": [] }), "?hour=22"),
        (json!({ "recent": [] }), "?recent=v001"),
    ] {
        let answer = send(&[], query, body.clone()).await;
        assert_eq!(answer.error(), (400, "request-invalid".to_owned()), "{body}{query}");
        assert!(!String::from_utf8(answer.body).unwrap().contains("hour"));
    }
    // An account's videos are known by its events; the two are never brought together.
    let token = bearer("ann");
    let both = send(&[("authorization", &token)], "", json!({ "recent": ["v001"] })).await;
    assert_eq!(both.error(), (401, "token-invalid".to_owned()));
    let long = send(&[], "", json!({ "recent": ["x".repeat(MAX_BODY_BYTES)] })).await;
    assert_eq!(long.error(), (413, "request-invalid".to_owned()));
    let other = send(&[], &format!("?bundle={}", "0".repeat(64)), json!({ "recent": [] })).await;
    assert_eq!(other.error(), (409, "bundle-mismatch".to_owned()));
    // GET has no body still.
    let get = Request::builder()
        .uri("/v1/candidates")
        .body("{\"recent\":[]}".into())
        .unwrap();
    assert_eq!(client.send(get).await.error(), (413, "request-invalid".to_owned()));
    let noise = [("cookie", "viewer=1"), ("user-agent", "tv"), ("accept-language", "ja")];
    let plain = send(&[], "?size=9", json!({ "recent": ["v001"] })).await;
    let noisy = send(&noise, "?size=9", json!({ "recent": ["v001"] })).await;
    assert_eq!((plain.body, plain.headers), (noisy.body, noisy.headers));
}

/// Whoever may name any video must not read out of the answer what one other account found.
#[tokio::test]
async fn no_neighbours_are_asked() {
    let client = Client::keeping();
    let like = |id: &str, video: &str| json!({"id": id, "type": "like", "video_id": video, "timestamp": NOW - 1000});
    let before = rows(&named(&client, "", &["v036"]).await);
    client.post("only", json!([like("1", "v036"), like("2", "v038")])).await;
    let after = rows(&named(&client, "", &["v036"]).await);
    assert_eq!(before, after);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Each video counts once, where it comes first, whatever stands between.
    #[test]
    fn the_order_of_the_first_mentions_is_all_that_counts(
        videos in prop::collection::vec(0_usize..12, 0..12),
        noise in prop::collection::vec((0_usize..12, 0_u8..3), 0..6),
    ) {
        let (root, _) = root_with(&World::small());
        let edition = Edition::new(Catalogue::load(root.path()).unwrap(), &[], &Audience::default()).unwrap();
        let stock = edition.stock();
        let ids: Vec<String> = videos.iter().map(|row| format!("v{row:03}")).collect();
        let mut once = ids.clone();
        let mut met = std::collections::BTreeSet::new();
        once.retain(|id| met.insert(id.clone()));
        let mut mixed = ids.clone();
        for (at, unknown) in &noise {
            mixed.insert((*at).min(mixed.len()), format!("unknown {unknown}"));
        }
        let (plain, none) = Known::of_videos(&stock, &once, NOW);
        let (other, unknown) = Known::of_videos(&stock, &mixed, NOW);
        prop_assert_eq!(&plain, &other);
        prop_assert_eq!((none, unknown), (0, noise.len()));
        prop_assert_eq!(plain.past.done.len(), once.len());
    }
}
