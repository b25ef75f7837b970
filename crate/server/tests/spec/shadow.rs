//! Shadow mode: answers stay what they were and wait for nothing, and what the other bundle would change is told.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use upnext_server::app::{AppState, Settings, app};
use upnext_server::candidates::{Shares, Wish};
use upnext_server::edition::Audience;
use upnext_server::serving::Serving;
use upnext_server::shadow::report::{FIGURES, Plan, compare};
use upnext_server::shadow::{QUEUE, start};
use upnext_server::token::TokenKey;

use super::client::{Client, NOW, SECRET, bearer};
use super::fixture::{FACTOR_DIM, VIDEOS, WARM, World, noise, root_with};

/// The same videos with other factors: collaborative filtering orders them otherwise.
fn other() -> World {
    let mut factors = noise(77, VIDEOS * FACTOR_DIM);
    factors[WARM * FACTOR_DIM..].fill(0.0);
    World {
        factors,
        note: "other",
        ..World::small()
    }
}

/// A server over the small world with another bundle beside it.
fn shadowed(next: Option<&Path>, every: u64) -> (Client, Arc<AppState>) {
    let (root, id) = root_with(&World::small());
    let settings = Settings {
        shadow_every: every,
        ..Settings::default()
    };
    let all = Audience::default();
    let mut serving = Serving::load(root.path(), &[], &all).unwrap();
    if let Some(next) = next {
        serving = serving.with_shadow(next, &[], &all).unwrap();
    }
    let key = TokenKey::new(SECRET).unwrap();
    let state = Arc::new(AppState::new(serving, Some(key), settings, Box::new(|| NOW)));
    let router = app(Arc::clone(&state));
    (Client { router, id, root }, state)
}

async fn metrics(client: &Client) -> String {
    String::from_utf8(client.get("/metrics", &[]).await.body).unwrap()
}

/// The figure of a line of `/metrics`.
fn figure(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with(&format!("{name} ")))?;
    line.split(' ').nth(1)?.parse().ok()
}

async fn compared(client: &Client, count: f64) -> String {
    for _ in 0..2000 {
        let text = metrics(client).await;
        if figure(&text, "upnext_shadow_requests_total{result=\"compared\"}") == Some(count) {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{count} requests were never compared:\n{}", metrics(client).await);
}

const ASKED: [(&str, Option<&str>); 4] = [
    ("/v1/candidates?languages=de&size=20", None),
    ("/v1/candidates?size=30", Some("ann")),
    ("/v1/candidates", Some("bob")),
    ("/v1/candidates?size=3", Some("new")),
];

#[tokio::test]
async fn answers_are_the_same_and_none_waits_though_nobody_works_the_queue_off() {
    let (next, _) = root_with(&other());
    let (plain, _) = shadowed(None, 1);
    // The thread is not started: whatever waits for it waits for ever.
    let (client, _state) = shadowed(Some(next.path()), 1);
    let rounds = QUEUE / ASKED.len() + 5;
    for _ in 0..rounds {
        for (uri, account) in ASKED {
            let token = account.map(bearer).unwrap_or_default();
            let headers = [("authorization", token.as_str())];
            let headers = if account.is_some() { &headers[..] } else { &[] };
            let (expected, answer) = (plain.get(uri, headers).await, client.get(uri, headers).await);
            assert_eq!(answer.status, 200);
            assert_eq!(
                (answer.body, answer.headers),
                (expected.body, expected.headers),
                "{uri}"
            );
        }
    }
    let asked = (rounds * ASKED.len()) as f64;
    let dropped = figure(
        &metrics(&client).await,
        "upnext_shadow_requests_total{result=\"dropped\"}",
    );
    assert_eq!(
        dropped,
        Some(asked - QUEUE as f64),
        "what does not fit is dropped and counted"
    );
    assert!(!metrics(&plain).await.contains("upnext_shadow_requests_total{"));
}

#[tokio::test]
async fn the_bundle_beside_answers_nobody() {
    let (next, id) = root_with(&other());
    let (client, _state) = shadowed(Some(next.path()), 1);
    let answer = client.get(&format!("/v1/candidates?bundle={id}"), &[]).await;
    assert_eq!(answer.error(), (409, "bundle-mismatch".to_owned()));
    assert_eq!(
        client.get(&format!("/bundle/{id}/manifest.json"), &[]).await.status,
        404
    );
}

#[tokio::test]
async fn a_sample_is_compared_and_the_figures_say_how_the_order_differs() {
    let token = bearer("ann");
    let headers = [("authorization", token.as_str())];
    let alike = World {
        note: "alike",
        ..World::small()
    };
    for (world, changes) in [(alike, false), (other(), true)] {
        let (next, _) = root_with(&world);
        let (client, state) = shadowed(Some(next.path()), 2);
        start(&state).unwrap();
        for _ in 0..8 {
            assert_eq!(client.get("/v1/candidates?size=20", &headers).await.status, 200);
        }
        // One of two.
        let text = compared(&client, 4.0).await;
        let mean = |name: &str| figure(&text, name).unwrap() / 4.0;
        let whole = mean("upnext_shadow_overlap_sum{depth=\"all\"}");
        let biased = mean("upnext_shadow_rank_biased_overlap_sum");
        let new = mean("upnext_shadow_new_sum");
        assert!((whole + new - 1.0).abs() < 1e-9, "both blocks are full: {whole} {new}");
        if changes {
            assert!(biased < 0.99 && biased > 0.0, "{biased}");
            assert!(mean("upnext_shadow_overlap_sum{depth=\"10\"}") < 1.0);
        } else {
            assert!((biased - 1.0).abs() < 1e-9 && (whole - 1.0).abs() < 1e-9 && new == 0.0);
        }
        for bundle in ["answer", "shadow"] {
            let count = figure(&text, &format!("upnext_shadow_seconds_count{{bundle=\"{bundle}\"}}"));
            assert_eq!(count, Some(4.0));
        }
        assert!(!text.contains("ann"), "figures name nobody");
    }
}

#[tokio::test]
async fn a_bundle_that_is_served_by_now_is_compared_with_nothing() {
    let (same, _) = root_with(&World::small());
    let (client, state) = shadowed(Some(same.path()), 1);
    start(&state).unwrap();
    client.get("/v1/candidates", &[]).await;
    for _ in 0..2000 {
        if figure(
            &metrics(&client).await,
            "upnext_shadow_requests_total{result=\"skipped\"}",
        ) == Some(1.0)
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never skipped");
}

fn plan(bundle: &Path, next: &Path) -> Plan {
    Plan {
        bundle: bundle.to_owned(),
        next: next.to_owned(),
        data: None,
        accounts: 500,
        wish: Wish {
            languages: Vec::new(),
            size: 20,
            shares: Shares::default(),
            now_ms: NOW,
        },
    }
}

#[test]
fn the_command_compares_the_accounts_that_there_are() {
    let ((root, _), (next, _)) = (root_with(&World::small()), root_with(&other()));
    let itself = compare(&plan(root.path(), root.path())).unwrap();
    assert_eq!((itself.accounts, itself.unknown), (3, 0));
    for name in &FIGURES[..4] {
        let spread = itself.figures[name];
        assert!(
            [spread.mean, spread.p10, spread.p90]
                .iter()
                .all(|value| (value - 1.0).abs() < 1e-9),
            "{name}"
        );
    }
    let report = compare(&plan(root.path(), next.path())).unwrap();
    assert!(report.figures["rank_biased_overlap"].p10 < 0.99);
    // The account of which nothing was learnt, and everybody without one, get the shelves of either.
    assert!((report.figures["rank_biased_overlap"].p90 - 1.0).abs() < 1e-9);
    assert!((report.anonymous.unwrap()["overlap_all"] - 1.0).abs() < 1e-9);
    let one = compare(&Plan {
        accounts: 1,
        ..plan(root.path(), next.path())
    });
    assert_eq!(one.unwrap().accounts, 1);
}

#[tokio::test]
async fn the_table_and_the_file_say_the_same() {
    let client = Client::keeping();
    let like = json!([{"id": "1", "type": "like", "video_id": "v003", "timestamp": NOW - 1000}]);
    client.post("zoe", like).await;
    let (next, id) = root_with(&other());
    let file = client.root.path().join("shadow.json");
    let output = Command::new(env!("CARGO_BIN_EXE_upnext-server"))
        .args(["shadow", "--size", "20", "--bundle"])
        .arg(client.root.path())
        .arg("--next")
        .arg(next.path())
        .arg("--data")
        .arg(client.root.path().join("data"))
        .arg("--json")
        .arg(&file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let told: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!((&told["bundle"], &told["next"]), (&json!(client.id), &json!(id)));
    assert_eq!(
        told["accounts"], 4,
        "three of the bundle, and one that did something since"
    );
    for name in FIGURES {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        if !name.ends_with("seconds") {
            let mean = format!("{:.4}", told["figures"][name]["mean"].as_f64().unwrap());
            assert!(line.contains(&mean), "{line}: {mean}");
        }
    }
    assert!(!text.contains("zoe"));
}
