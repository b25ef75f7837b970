//! `POST /v1/metrics/reports`: noised answers come in, of nobody, and shares with their errors come out.

use std::process::Command;

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use tower::ServiceExt;
use upnext_core::disclosure::week::{starts_at, week_of};
use upnext_core::disclosure::{Metric, Terms};
use upnext_core::hash::hash64;
use upnext_server::app::{Settings, app};
use upnext_server::serve::forget_old;
use upnext_server::store::FILE;

use super::client::{ADMIN, Client, NOW, bearer, keeping_with};

/// A week that is over, whole within the last four.
fn last_week() -> u32 {
    week_of(NOW) - 1
}

fn report(week: u32, bundle: &str, answers: [u32; 4]) -> Value {
    let [clicked, completed, watched, feedback] = answers;
    json!({"form": 1, "week": week, "bundle": bundle, "clicked": clicked, "completed": completed, "watched": watched, "feedback": feedback})
}

async fn post(client: &Client, body: impl ToString) -> (u16, String) {
    let headers = [("content-type", "application/json")];
    let answer = client
        .with_body(Method::POST, "/v1/metrics/reports", &headers, body)
        .await;
    match answer.status.as_u16() {
        200 => (200, String::from_utf8(answer.body).unwrap()),
        _ => answer.error(),
    }
}

fn counted(counted: bool) -> (u16, String) {
    (200, json!({ "counted": counted }).to_string())
}

async fn anonymous(client: &Client) -> Value {
    let answer = client.get("/v1/metrics/online", &[("x-upnext-admin-key", ADMIN)]).await;
    assert_eq!(answer.status, 200);
    serde_json::from_slice::<Value>(&answer.body).unwrap()["anonymous"].take()
}

#[tokio::test]
async fn the_noise_is_taken_out_and_what_is_true_lies_in_the_interval() {
    let client = Client::keeping();
    let (week, devices) = (last_week(), 1200_u64);
    let mut drawn = 0_u64;
    let mut number = || {
        drawn += 1;
        (hash64(3, &drawn.to_le_bytes()) >> 32) as u32
    };
    let mut posts = tokio::task::JoinSet::new();
    for device in 0..devices {
        // Three of four play; of those half watch for long; nobody rates.
        let truths = if device % 4 == 0 {
            [0, 0, 0, 0]
        } else {
            [1, 1, 2 + 2 * (device as u32 % 2), 0]
        };
        let mut answers = [0; 4];
        for (place, metric) in Metric::ALL.iter().enumerate() {
            answers[place] = Terms::CURRENT.response(*metric).answer(truths[place], number());
        }
        let request =
            Request::post("/v1/metrics/reports").body(Body::from(report(week, &client.id, answers).to_string()));
        posts.spawn(client.router.clone().oneshot(request.unwrap()));
        // Fewer than are turned away; those that wait together are committed together.
        while posts.len() >= 100 || (device + 1 == devices && !posts.is_empty()) {
            assert_eq!(posts.join_next().await.unwrap().unwrap().unwrap().status(), 200);
        }
    }
    let found = anonymous(&client).await;
    assert_eq!(
        (found["all"]["reports"].as_u64(), found["epsilon"].as_f64()),
        (Some(devices), Some(1.0))
    );
    let metrics = &found["all"]["metrics"];
    for (metric, bucket, truth) in [
        ("clicked", "yes", 0.75),
        ("completed", "1", 0.75),
        ("completed", "10+", 0.0),
        ("watched", "<30min", 0.25),
        ("watched", "<10h", 0.5),
        ("feedback", "none", 1.0),
    ] {
        let share = &metrics[metric][bucket];
        let (low, high) = (
            share["interval"][0].as_f64().unwrap(),
            share["interval"][1].as_f64().unwrap(),
        );
        assert!(low <= truth && truth <= high, "{metric} {bucket}: {share}");
        assert!(high - low < 0.25, "{metric} {bucket}: {share}");
        assert!(
            (share["share"].as_f64().unwrap() - truth).abs() < 0.13,
            "{metric} {bucket}: {share}"
        );
    }
    let by_week = &found["weeks"][starts_at(week).to_string()];
    assert_eq!((by_week, &found["bundles"][&client.id]), (&found["all"], &found["all"]));
}

#[tokio::test]
async fn what_is_no_report_is_refused_and_counts_for_nothing() {
    let client = Client::keeping();
    let (week, id) = (last_week(), client.id.clone());
    let good = report(week, &id, [1, 0, 0, 0]);
    let with = |key: &str, value: Value| {
        let mut body = good.clone();
        body[key] = value;
        body.to_string()
    };
    for body in [
        String::new(),
        "[]".to_owned(),
        format!("[{good}]"),
        with("account", json!("ann")),
        with("id", json!("1")),
        with("form", json!(2)),
        with("clicked", json!(2)),
        with("watched", json!(1.5)),
        with("bundle", json!("x")),
        with("week", json!(10_000)),
        with("week", json!(-1)),
        with("feedback", Value::Null),
    ] {
        assert_eq!(
            post(&client, &body).await,
            (400, "request-invalid".to_owned()),
            "{body}"
        );
    }
    for other in [week + 1, week - 7, 0] {
        assert_eq!(
            post(&client, with("week", json!(other))).await,
            counted(false),
            "{other}"
        );
    }
    let long = format!("{good}{}", " ".repeat(1024));
    assert_eq!(post(&client, long).await.0, 413);
    assert_eq!(anonymous(&client).await["all"]["reports"], 0);
    // Whole numbers as JavaScript may write them.
    assert_eq!(post(&client, with("watched", json!(1.0))).await, counted(true));
    assert_eq!(post(&Client::new(), good).await, (404, "not-found".to_owned()));
}

#[tokio::test]
async fn nothing_is_kept_but_that_a_bucket_was_named_once_more() {
    let client = Client::keeping();
    let week = last_week();
    let body = report(week, &client.id, [1, 4, 5, 3]);
    // Whoever sends a token is not looked at: the answers are nobody's.
    let token = bearer("ann");
    let headers = [
        ("authorization", token.as_str()),
        ("cookie", "viewer=ann"),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    for _ in 0..2 {
        let answer = client
            .with_body(Method::POST, "/v1/metrics/reports", &headers, &body)
            .await;
        assert_eq!(answer.status, 200);
    }
    assert_eq!(
        post(&client, report(week, &"0f".repeat(32), [1, 4, 5, 3])).await,
        counted(true)
    );
    let connection = rusqlite::Connection::open(client.root.path().join("data").join(FILE)).unwrap();
    let mut statement = connection
        .prepare("SELECT bundle <> '', metric, bucket, reports FROM report_count ORDER BY bundle DESC, metric")
        .unwrap();
    let rows: Vec<(bool, String, u32, u32)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let expected = |served: bool, reports: u32| {
        [("clicked", 1), ("completed", 4), ("feedback", 3), ("watched", 5)]
            .map(|(metric, bucket)| (served, metric.to_owned(), bucket, reports))
    };
    assert_eq!(rows, [expected(true, 2), expected(false, 1)].concat());
    let of_ann = client.get("/v1/accounts/zoe", &[("x-upnext-admin-key", ADMIN)]).await;
    assert_eq!(of_ann.error().0, 404, "no account came about");
}

#[tokio::test]
async fn counts_end_with_the_window_that_they_may_be_kept_for() {
    let (root, id) = super::fixture::root_with(&super::fixture::World::small());
    let settings = Settings {
        keep_days: Some(14),
        ..Settings::default()
    };
    let state = std::sync::Arc::new(keeping_with(root.path(), settings, NOW));
    let client = Client {
        router: app(std::sync::Arc::clone(&state)),
        id,
        root,
    };
    for weeks in [1, 2, 3, 4] {
        assert_eq!(
            post(&client, report(week_of(NOW) - weeks, &client.id, [0; 4])).await,
            counted(true)
        );
    }
    forget_old(&state).await.unwrap();
    let left = anonymous(&client).await;
    let weeks: Vec<&String> = left["weeks"].as_object().unwrap().keys().collect();
    let kept = [2, 1].map(|weeks| starts_at(week_of(NOW) - weeks).to_string());
    assert_eq!(weeks, kept.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn the_program_shows_them_too() {
    // By the clock of the machine, which the program reads.
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis() as i64;
    let (root, id) = super::fixture::root_with(&super::fixture::World::small());
    let state = std::sync::Arc::new(keeping_with(root.path(), Settings::default(), now));
    let client = Client {
        router: app(state),
        id,
        root,
    };
    for answers in [[0; 4], [1, 4, 5, 3]] {
        assert_eq!(
            post(&client, report(week_of(now) - 2, &client.id, answers)).await,
            counted(true)
        );
    }
    let html = client.root.path().join("online.html");
    let output = Command::new(env!("CARGO_BIN_EXE_upnext-server"))
        .args(["online", "--data"])
        .arg(client.root.path().join("data"))
        .arg("--bundle")
        .arg(client.root.path())
        .arg("--html")
        .arg(&html)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("2 anonymous reports, ε = 1") && text.contains("10h+"),
        "{text}"
    );
    let html = std::fs::read_to_string(html).unwrap();
    assert!(html.contains("<h2>feedback, anonymous</h2>") && html.contains("&lt;10min"));
}
