//! Experiments: who is in which arm, what the arm serves, and that those without an account are in none.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::Method;
use axum::http::header::{CACHE_CONTROL, ETAG, VARY};
use serde_json::{Value, json};
use upnext_core::Code;
use upnext_core::block::{Block, Dims};
use upnext_core::experiment::{self, assign};
use upnext_server::app::{Settings, app};
use upnext_server::edition::Audience;
use upnext_server::experiment::{Arm, Experiment};
use upnext_server::serving::Serving;

use super::client::{Client, NOW, bearer, keeping_with, state};
use super::fixture::{FACTOR_DIM, VECTOR_DIM, World, point_at, root_with};

fn settings(name: &str, arms: &[&str]) -> Settings {
    let arms = arms.iter().map(|arm| Arm::parse(arm).unwrap()).collect();
    Settings {
        experiment: Some(Experiment::new(name.to_owned(), arms).unwrap()),
        ..Settings::default()
    }
}

async fn json_block(client: &Client, query: &str, account: &str) -> Value {
    let headers = [
        ("authorization", bearer(account)),
        ("accept", "application/json".to_owned()),
    ];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let answer = client.get(&format!("/v1/candidates{query}"), &headers).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    serde_json::from_slice(&answer.body).unwrap()
}

fn sources(block: &Value) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for row in block["rows"].as_array().unwrap() {
        for source in row["sources"].as_array().unwrap() {
            *counts.entry(source.as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    counts
}

/// Accounts that are in the arms `a` and `b` of an experiment with equal weights, one of each.
fn one_of_each(name: &str, arms: [&str; 2]) -> [String; 2] {
    let arms = arms.map(|name| experiment::Arm { name, weight: 1.0 });
    [0, 1].map(|arm| {
        let mut accounts = (0..1000).map(|i| format!("u{i}"));
        accounts.find(|id| assign(name, id, &arms) == Some(arm)).unwrap()
    })
}

#[tokio::test]
async fn a_block_names_the_arm_of_its_account_always_the_same_one() {
    let mut client = Client::keeping_with(settings("may", &["control=1", "new=2"]));
    let arms = [("control", 1.0), ("new", 2.0)].map(|(name, weight)| experiment::Arm { name, weight });
    let like = json!([{"id": "1", "type": "like", "video_id": "v003", "timestamp": NOW - 1000}]);
    let accounts: Vec<String> = (0..12).map(|i| format!("u{i}")).chain(["ann".to_owned()]).collect();
    for account in &accounts {
        client.post(account, like.clone()).await;
    }
    let mut seen = BTreeMap::new();
    for _ in 0..2 {
        for account in &accounts {
            let expected = arms[assign("may", account, &arms).unwrap()].name;
            assert_eq!(
                json_block(&client, "?size=5", account).await["arm"],
                expected,
                "{account}"
            );
            *seen.entry(expected).or_insert(0) += 1;
        }
        let root = client.root;
        drop(client.router);
        let again = keeping_with(root.path(), settings("may", &["control=1", "new=2"]), NOW);
        client = Client {
            router: app(Arc::new(again)),
            id: client.id,
            root,
        };
    }
    assert_eq!(seen.len(), 2, "both arms have somebody: {seen:?}");
    let dims = Dims {
        vector: VECTOR_DIM,
        factor: FACTOR_DIM,
    };
    let answer = client.get("/v1/candidates", &[("authorization", &bearer("ann"))]).await;
    let block = Block::decode(&answer.body, &client.id, dims).unwrap();
    let own = arms[assign("may", "ann", &arms).unwrap()].name;
    assert_eq!(block.arm(), Some(own));
    let text = String::from_utf8(client.get("/metrics", &[]).await.body).unwrap();
    let line = format!("upnext_arm_blocks_total{{arm=\"{own}\"}} 1");
    assert!(text.contains(&line), "{line} is not in\n{text}");
}

#[tokio::test]
async fn without_an_account_nothing_tells_that_an_experiment_runs() {
    let plain = Client::with(Settings::default(), NOW);
    let divided = Client::with(settings("may", &["a=1,fresh=0,popular=0.5", "b=1"]), NOW);
    for uri in ["/v1/candidates?languages=de&size=20", "/bundle/current.json"] {
        let (plain, divided) = (plain.get(uri, &[]).await, divided.get(uri, &[]).await);
        assert_eq!((plain.status, &plain.body), (divided.status, &divided.body));
        assert_eq!(
            plain.headers, divided.headers,
            "{uri}: shared caches may keep it as before"
        );
    }
    let answer = divided.get("/v1/candidates", &[("accept", "application/json")]).await;
    let block: Value = serde_json::from_slice(&answer.body).unwrap();
    assert!(block.get("arm").is_none());
}

#[tokio::test]
async fn an_arm_fills_its_blocks_as_it_says() {
    let arms = ["none=1,neighbours=0,near=0,fresh=0,popular=0", "much=1,popular=0.5"];
    let client = Client::keeping_with(settings("may", &arms));
    let [none, much] = one_of_each("may", ["none", "much"]);
    for account in ["n1", "n2", "n3"] {
        let likes: Vec<Value> = (30..38)
            .map(|row| json!({"id": row.to_string(), "type": "like", "video_id": format!("v0{row}"), "timestamp": NOW - 1000}))
            .collect();
        client.post(account, json!(likes)).await;
    }
    let like = json!([{"id": "1", "type": "like", "video_id": "v036", "timestamp": NOW - 1000}]);
    client.post(&none, like.clone()).await;
    client.post(&much, like).await;
    let of_none = json_block(&client, "?size=10", &none).await;
    assert_eq!(
        of_none["rows"].as_array().unwrap().len(),
        10,
        "the rest fills what a source leaves"
    );
    let counts = sources(&of_none);
    assert!(
        !counts.contains_key("popular") && !counts.contains_key("neighbour"),
        "{counts:?}"
    );
    let counts = sources(&json_block(&client, "?size=10", &much).await);
    assert_eq!(counts["popular"], 5, "{counts:?}");
}

#[tokio::test]
async fn an_arm_with_a_bundle_serves_it_to_its_accounts_and_to_them_alone() {
    let (root, first) = root_with(&World {
        note: "first",
        ..World::small()
    });
    let second = World {
        note: "second",
        ..World::small()
    }
    .write(root.path());
    point_at(root.path(), &first);
    let own = format!("new=1,bundle={second}");
    let state = keeping_with(root.path(), settings("may", &["control=1", &own]), NOW);
    let client = Client {
        router: app(Arc::new(state)),
        id: first.clone(),
        root,
    };
    let [control, new] = one_of_each("may", ["control", "new"]);
    let like = json!([{"id": "1", "type": "like", "video_id": "v003", "timestamp": NOW - 1000}]);
    for account in [&control, &new] {
        client.post(account, like.clone()).await;
    }
    let pointer = async |account: Option<&str>| {
        let token = account.map(bearer).unwrap_or_default();
        let headers = [("authorization", token.as_str())];
        let headers = if account.is_some() { &headers[..] } else { &[] };
        let answer = client.get("/bundle/current.json", headers).await;
        let varies = answer
            .headers
            .get_all(VARY)
            .iter()
            .any(|value| value == "authorization");
        assert!(varies, "{:?}", answer.headers);
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        (
            body["bundle"].as_str().unwrap().to_owned(),
            answer.header(CACHE_CONTROL).to_owned(),
        )
    };
    assert_eq!(pointer(None).await, (first.clone(), "no-cache".to_owned()));
    assert_eq!(
        pointer(Some(&control)).await,
        (first.clone(), "private, no-cache".to_owned())
    );
    assert_eq!(
        pointer(Some(&new)).await,
        (second.clone(), "private, no-cache".to_owned())
    );
    let forged = client
        .get("/bundle/current.json", &[("authorization", "Bearer a.b.c")])
        .await;
    assert_eq!(forged.error(), (401, "token-invalid".to_owned()));
    // One account's entity tag is no answer to another.
    let token = bearer(&new);
    let plain = client.get("/bundle/current.json", &[]).await;
    let tagged = [("authorization", token.as_str()), ("if-none-match", plain.header(ETAG))];
    assert_eq!(client.get("/bundle/current.json", &tagged).await.status, 200);

    for (account, query, bundle, arm) in [
        (&control, String::new(), &first, json!("control")),
        (&control, format!("?bundle={first}"), &first, json!("control")),
        // A device that has not changed over yet gets blocks of what it holds, which are not its arm's.
        (&control, format!("?bundle={second}"), &second, Value::Null),
        (&new, String::new(), &second, json!("new")),
        (&new, format!("?bundle={second}"), &second, json!("new")),
        (&new, format!("?bundle={first}"), &first, Value::Null),
    ] {
        let block = json_block(&client, &query, account).await;
        assert_eq!(
            (&block["bundle_id"], &block["arm"]),
            (&json!(bundle), &arm),
            "{account}{query}"
        );
    }
    let other = format!("/v1/candidates?bundle={}", "0".repeat(64));
    let refused = client.get(&other, &[("authorization", &bearer(&new))]).await;
    assert_eq!(refused.status, 409);
    assert!(String::from_utf8(refused.body).unwrap().contains(&second));
    // What is taken down is taken down in every bundle that answers.
    client.admin(Method::DELETE, "/v1/videos/v005", "").await;
    for account in [&control, &new] {
        let rows = json_block(&client, "", account).await["rows"].clone();
        assert!(
            rows.as_array().unwrap().iter().all(|row| row["id"] != "v005"),
            "{account}"
        );
    }
    let manifest = client.get(&format!("/bundle/{second}/manifest.json"), &[]).await;
    assert_eq!(manifest.status, 200, "devices fetch it like any other");
}

#[tokio::test]
async fn an_arm_whose_bundle_is_not_there_is_found_at_the_start() {
    let (root, _) = root_with(&World::small());
    let own = format!("new=1,bundle={}", "0".repeat(64));
    let experiment = settings("may", &[&own]).experiment.unwrap();
    let all = Audience::default();
    let serving = Serving::load(root.path(), &[], &all).unwrap();
    let error = serving.with_arms(root.path(), &experiment, &[], &all).unwrap_err();
    assert_eq!(error.code(), Code::BundleIncomplete);
}

#[tokio::test]
async fn the_pointer_costs_an_account_nothing() {
    let limits = Settings {
        account_rate: 1,
        account_burst: 1,
        ..settings("may", &["control=1"])
    };
    let (root, id) = root_with(&World::small());
    let client = Client {
        router: app(Arc::new(state(root.path(), limits, NOW))),
        id,
        root,
    };
    let token = bearer("ann");
    let headers = [("authorization", token.as_str())];
    for _ in 0..3 {
        assert_eq!(client.get("/bundle/current.json", &headers).await.status, 200);
    }
    assert_eq!(client.get("/v1/candidates?size=1", &headers).await.status, 200);
    assert_eq!(client.get("/v1/candidates?size=1", &headers).await.status, 429);
}
