//! Another bundle while requests are on their way: none fails, and one that does not verify changes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::Method;
use upnext_core::bundle::Role;
use upnext_server::app::{Settings, app};
use upnext_server::serve::renew;

use super::client::{Client, NOW, keeping, state};
use super::fixture::{World, path_of, point_at, root_with};

fn named(note: &'static str) -> World {
    World { note, ..World::small() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_bundles_change() {
    let (root, first) = root_with(&named("first"));
    let second = named("second").write(root.path());
    point_at(root.path(), &first);
    let state = Arc::new(state(root.path(), Settings::default(), NOW));
    let client = Arc::new(Client {
        router: app(Arc::clone(&state)),
        id: first.clone(),
        root,
    });
    let done = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = [String::new(), format!("&bundle={first}"), format!("&bundle={second}")]
        .into_iter()
        .enumerate()
        .map(|(asker, bundle)| {
            let (client, done) = (Arc::clone(&client), Arc::clone(&done));
            tokio::spawn(async move {
                let mut asked = 0;
                while !done.load(Ordering::Relaxed) || asked < 5 {
                    let answer = client.get(&format!("/v1/candidates?size=5{bundle}"), &[]).await;
                    // Whoever asks for the second before it is there is told which one is.
                    let early = asker == 2 && answer.status == 409;
                    assert!(answer.status == 200 || early, "{bundle}: {}", answer.status);
                    asked += 1;
                }
            })
        })
        .collect();
    for id in [&second, &first, &second] {
        point_at(client.root.path(), id);
        assert!(renew(client.root.path(), &state).await.unwrap());
        assert!(!renew(client.root.path(), &state).await.unwrap(), "once is enough");
        let pointer = client.get("/bundle/current.json", &[]).await;
        assert!(String::from_utf8(pointer.body).unwrap().contains(id.as_str()));
    }
    done.store(true, Ordering::Relaxed);
    for asker in askers {
        asker.await.unwrap();
    }
}

#[tokio::test]
async fn a_bundle_that_does_not_verify_is_refused_and_the_old_one_stays() {
    let (root, first) = root_with(&named("first"));
    let state = Arc::new(state(root.path(), Settings::default(), NOW));
    let second = named("second").write(root.path());
    let broken = path_of(root.path(), &second, Role::ItemTensors);
    let mut bytes = std::fs::read(&broken).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&broken, &bytes).unwrap();
    let error = renew(root.path(), &state).await.unwrap_err();
    assert_eq!(error.code(), upnext_core::Code::BundleCorrupt);
    assert_eq!(state.serving().current.catalogue.bundle_id, first);
    bytes[100] ^= 1;
    std::fs::write(&broken, &bytes).unwrap();
    assert!(renew(root.path(), &state).await.unwrap(), "mended, it is taken");
    assert_eq!(state.serving().current.catalogue.bundle_id, second);
    let previous = state.serving().previous.clone().unwrap();
    assert_eq!(previous.catalogue.bundle_id, first);
}

#[tokio::test]
async fn what_happened_to_videos_outlives_the_bundle() {
    let (root, first) = root_with(&named("first"));
    let state = Arc::new(keeping(root.path(), NOW));
    let client = Client {
        router: app(Arc::clone(&state)),
        id: first.clone(),
        root,
    };
    client.admin(Method::DELETE, "/v1/videos/v001", "").await;
    client
        .admin(Method::PUT, "/v1/videos/fresh", "{\"title\":\"new\"}")
        .await;
    named("second").write(client.root.path());
    assert!(renew(client.root.path(), &state).await.unwrap());
    client.admin(Method::DELETE, "/v1/videos/v002", "").await;
    for bundle in [String::new(), format!("?bundle={first}")] {
        let answer = client
            .get(&format!("/v1/candidates{bundle}"), &[("accept", "application/json")])
            .await;
        let body = String::from_utf8(answer.body).unwrap();
        assert!(body.contains("\"id\":\"fresh\""), "{bundle}");
        assert!(
            !body.contains("\"id\":\"v001\"") && !body.contains("\"id\":\"v002\""),
            "{bundle}"
        );
    }
}
