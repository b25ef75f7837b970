//! `GET /v1/metrics/online` and `upnext-server online`: figures that are known by hand.

use std::process::Command;

use axum::http::Method;
use serde_json::{Value, json};
use upnext_core::encounter::ENCOUNTER_MS;
use upnext_server::store::{FILE, Store, open_reader};

use super::client::{ADMIN, Client, NOW};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// A moment whose week is over.
const THEN: i64 = NOW - 20 * DAY;

/// Sends events as the site's own service does.
async fn tell(client: &Client, events: Value) {
    let headers = [("x-upnext-admin-key", ADMIN)];
    let body = json!({ "events": events });
    let answer = client.with_body(Method::POST, "/v1/events", &headers, body).await;
    let receipt: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(receipt["refused"], json!([]), "{receipt}");
}

fn shown(id: &str, account: &str, video: &str, at: i64, arm: &str) -> Value {
    json!({"id": id, "account": account, "type": "impression", "video_id": video, "timestamp": at,
           "surface": "up-next", "position": 0, "arm": arm})
}

fn watched(id: &str, account: &str, video: &str, at: i64, seconds: f64) -> Value {
    json!({"id": id, "account": account, "type": "watch", "video_id": video, "timestamp": at, "seconds": seconds})
}

/// Video `vNNN` of the fixture is NNN + 1 seconds long.
async fn world() -> Client {
    let client = Client::keeping();
    tell(
        &client,
        json!([
            // Ann, two videos of one slate: one played for half, one not. Back after three days: a like.
            shown("1", "ann", "v011", THEN, "control"),
            shown("2", "ann", "v020", THEN, "control"),
            watched("3", "ann", "v011", THEN + 1000, 6.0),
            shown("4", "ann", "v021", THEN + 3 * DAY, "control"),
            {"id": "5", "account": "ann", "type": "like", "video_id": "v021", "timestamp": THEN + 3 * DAY + 5},
            // Bob, never back: one watched to its end, twice over.
            shown("1", "bob", "v010", THEN, "new"),
            watched("2", "bob", "v010", THEN + 1000, 22.0),
            // Cy: not wanted.
            shown("1", "cy", "v012", THEN, "new"),
            {"id": "2", "account": "cy", "type": "not_interested", "video_id": "v012", "timestamp": THEN + 9},
            // Dan: his impression is not settled; what he watched without one is nobody's merit.
            shown("1", "dan", "v012", NOW - ENCOUNTER_MS + 1, "new"),
            watched("2", "dan", "v015", THEN, 9.0),
        ]),
    )
    .await;
    client
}

async fn figures(client: &Client, uri: &str) -> Value {
    let answer = client.get(uri, &[("x-upnext-admin-key", ADMIN)]).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn figures_are_those_counted_by_hand() {
    let client = world().await;
    let report = figures(&client, "/v1/metrics/online").await;
    let all = |metric: &str| {
        let figure = &report["all"][metric];
        let number = |name: &str| figure[name].as_f64().unwrap();
        (number("total"), number("of"), figure["accounts"].as_u64().unwrap())
    };
    assert_eq!(all("click_through"), (2.0, 5.0, 3));
    // v011 for half of its 12 s, v021 liked, v010 to its end.
    assert_eq!(all("relevant"), (3.0, 5.0, 3));
    assert_eq!(all("completed"), (1.0, 5.0, 3));
    // A second time round counts once: 11 s, not 22.
    assert_eq!(all("watch_seconds"), (17.0, 5.0, 3));
    assert_eq!(all("liked"), (1.0, 5.0, 3));
    assert_eq!(all("rejected"), (1.0, 5.0, 3));
    // Four days with an impression, of which one was followed by another within a week.
    assert_eq!(all("return_7d"), (1.0, 4.0, 3));
    // One slate of two.
    assert_eq!((all("diversity").1, all("diversity").2), (1.0, 1));
    assert_eq!(report["all"]["click_through"]["value"], 0.4);
    assert_eq!(report["by"]["surface"]["up-next"], report["all"]);
    assert_eq!(report["by"]["arm"]["new"]["click_through"]["total"], 1.0);
    assert_eq!(report["by"]["bundle"], json!({}), "no event named one");
    // Ann is alone in the control: of one account nobody knows how accounts vary.
    assert_eq!(report["arms"], json!([]));
}

#[tokio::test]
async fn arms_are_held_against_the_control_with_both_intervals() {
    let client = world().await;
    tell(&client, json!([shown("9", "eve", "v003", THEN, "control")])).await;
    let report = figures(&client, "/v1/metrics/online").await;
    let click = &report["arms"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["metric"] == "click_through");
    let click = click.unwrap();
    assert_eq!((&click["arm"], &click["control"]), (&json!("new"), &json!("control")));
    assert!((click["difference"].as_f64().unwrap() - (0.5 - 0.25)).abs() < 1e-12);
    let width = |name: &str| click[name][1].as_f64().unwrap() - click[name][0].as_f64().unwrap();
    assert!(width("sequential") > width("interval"));
}

#[tokio::test]
async fn the_window_is_what_was_asked_for() {
    let client = world().await;
    let last = figures(&client, "/v1/metrics/online?days=18").await;
    assert_eq!(last["all"]["click_through"]["of"], 1.0, "Ann's return alone");
    let none = figures(&client, "/v1/metrics/online?days=1").await;
    assert_eq!(none["all"]["click_through"]["value"], Value::Null);
    for query in ["days=0", "days=3661", "days=1&x=2", "account=ann", "days=-1"] {
        let uri = format!("/v1/metrics/online?{query}");
        let answer = client.get(&uri, &[("x-upnext-admin-key", ADMIN)]).await;
        assert_eq!(answer.error(), (400, "request-invalid".to_owned()), "{query}");
    }
}

#[tokio::test]
async fn only_the_admin_key_sees_them() {
    let client = world().await;
    let answer = client.get("/v1/metrics/online", &[]).await;
    assert_eq!(answer.error().0, 401);
    let token = super::client::bearer("ann");
    let answer = client.get("/v1/metrics/online", &[("authorization", &token)]).await;
    assert_eq!(answer.error().0, 401);
}

#[tokio::test]
async fn whoever_is_forgotten_is_in_no_figure() {
    let client = world().await;
    let answer = client.admin(Method::DELETE, "/v1/accounts/ann", "").await;
    assert_eq!(answer.status, 204);
    let report = figures(&client, "/v1/metrics/online").await;
    assert_eq!(report["all"]["click_through"]["of"], 2.0);
    assert_eq!(report["by"]["arm"]["control"], Value::Null);
}

#[tokio::test]
async fn an_event_names_its_arm_and_bundle_and_nothing_crooked() {
    let client = Client::keeping();
    let with = |key: &str, value: Value| {
        let mut event = shown("1", "ann", "v001", THEN, "a");
        event[key] = value;
        json!({ "events": [event] })
    };
    let headers = [("x-upnext-admin-key", ADMIN)];
    for body in [
        with("arm", json!("")),
        with("arm", json!("a\u{0}b")),
        with("arm", json!("a".repeat(65))),
        with("bundle", json!("abc")),
    ] {
        let answer = client.with_body(Method::POST, "/v1/events", &headers, &body).await;
        let receipt: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(receipt["refused"].as_array().unwrap().len(), 1, "{body}");
    }
    let good = with("bundle", json!("0".repeat(64)));
    let answer = client.with_body(Method::POST, "/v1/events", &headers, good).await;
    assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap()["stored"], 1);
    let record = client.admin(Method::GET, "/v1/accounts/ann", "").await;
    let record: Value = serde_json::from_slice(&record.body).unwrap();
    assert_eq!(record["events"][0]["arm"], "a");
    assert_eq!(record["events"][0]["bundle"], "0".repeat(64));
}

#[tokio::test]
async fn a_database_of_before_there_were_arms_is_taken_over() {
    let client = world().await;
    let data = client.root.path().join("data");
    drop(client.router);
    let old = rusqlite::Connection::open(data.join(FILE)).unwrap();
    old.execute_batch(
        "ALTER TABLE event DROP COLUMN arm; ALTER TABLE event DROP COLUMN bundle;
         ALTER TABLE event DROP COLUMN purposes; DROP TABLE report_count; PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(old);
    let refusal = open_reader(&data.join(FILE)).unwrap_err().to_string();
    assert!(
        refusal.contains("version 1") && refusal.contains("a server that starts"),
        "{refusal}"
    );
    drop(Store::open(&data).unwrap());
    let new = open_reader(&data.join(FILE)).unwrap();
    let count: i64 = new
        .query_row("SELECT count(*) FROM event WHERE arm IS NULL", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 11, "every event is still there");
}

#[tokio::test]
async fn the_program_says_the_same_and_draws_it() {
    let client = world().await;
    let root = client.root.path().to_owned();
    let (json_file, html_file) = (root.join("online.json"), root.join("online.html"));
    let output = Command::new(env!("CARGO_BIN_EXE_upnext-server"))
        .args(["online", "--days", "3660", "--data"])
        .arg(root.join("data"))
        .arg("--bundle")
        .arg(&root)
        .arg("--json")
        .arg(&json_file)
        .arg("--html")
        .arg(&html_file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.starts_with("arm control")).unwrap();
    assert!(line.contains("0.3333"), "{text}");
    let told: Value = serde_json::from_slice(&std::fs::read(json_file).unwrap()).unwrap();
    // By the clock of the machine Dan's impression is long settled.
    assert_eq!(told["all"]["click_through"]["of"], 6.0);
    let html = std::fs::read_to_string(html_file).unwrap();
    assert!(
        html.contains("<h2>click_through</h2>") && !html.contains("http"),
        "self-contained"
    );
}
