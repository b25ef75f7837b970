//! The public half of bundles: the pointer, immutable files, older ids, and no way to the server half.

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use proptest::prelude::*;
use upnext_core::bundle::{Manifest, Role};
use upnext_server::app::{Settings, app};

use super::client::{Client, NOW, state};
use super::fixture::{World, path_of, point_at, root_with};

fn manifest(client: &Client) -> Manifest {
    let bytes = std::fs::read(client.root.path().join(&client.id).join("manifest.json")).unwrap();
    Manifest::parse(&bytes, &client.id).unwrap()
}

#[tokio::test]
async fn a_device_can_fetch_all_it_needs_and_verify_it() {
    let client = Client::new();
    let pointer = client.get("/bundle/current.json", &[]).await;
    assert_eq!(pointer.body, format!("{{\"bundle\":\"{}\"}}", client.id).into_bytes());
    assert_eq!(pointer.header(CACHE_CONTROL), "no-cache");
    let answer = client.get(&format!("/bundle/{}/manifest.json", client.id), &[]).await;
    let manifest = Manifest::parse(&answer.body, &client.id).unwrap();
    assert_eq!(answer.header(CONTENT_TYPE), "application/json");
    for entry in manifest.client_files() {
        let answer = client.get(&format!("/bundle/{}/{}", client.id, entry.path), &[]).await;
        entry.verify(&answer.body).unwrap();
        assert_eq!(answer.header(CACHE_CONTROL), "public, max-age=31536000, immutable");
        let again = client
            .get(
                &format!("/bundle/{}/{}", client.id, entry.path),
                &[("if-none-match", answer.header(ETAG))],
            )
            .await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    }
}

#[tokio::test]
async fn the_server_half_is_never_handed_out() {
    let client = Client::new();
    for entry in manifest(&client).files.iter().filter(|entry| !entry.role.is_client()) {
        for path in [
            entry.path.clone(),
            format!("client/../{}", entry.path),
            entry.path.replace('/', "%2F"),
        ] {
            let answer = client.get(&format!("/bundle/{}/{path}", client.id), &[]).await;
            assert_eq!(answer.error(), (404, "not-found".to_owned()), "{path}");
        }
    }
}

#[tokio::test]
async fn paths_cannot_leave_the_list() {
    let client = Client::new();
    let id = &client.id;
    let secret = client.root.path().join("secret.txt");
    std::fs::write(&secret, "secret").unwrap();
    for path in [
        format!("{id}/../secret.txt"),
        format!("{id}/%2e%2e/secret.txt"),
        format!("{id}/..%2fsecret.txt"),
        format!("{id}/client/../../secret.txt"),
        format!("{id}/client/%5c..%5c..%5csecret.txt"),
        format!("{id}//manifest.json"),
        format!("{id}/manifest.json/"),
        format!("{id}/manifest.json%00"),
        "../secret.txt".to_owned(),
        "secret.txt".to_owned(),
        format!("{id}/client"),
        format!("{id}/client/"),
        id.clone(),
    ] {
        let answer = client.get(&format!("/bundle/{path}"), &[]).await;
        assert_eq!(answer.error(), (404, "not-found".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn the_bundle_before_is_still_there() {
    let (root, old) = root_with(&World {
        note: "before",
        ..World::small()
    });
    let new = World::small().write(root.path());
    assert_ne!(old, new);
    std::fs::create_dir(root.path().join("f".repeat(64))).unwrap();
    let state = state(root.path(), Settings::default(), NOW);
    assert_eq!(
        state.serving().files.bundles(),
        2,
        "a directory that is no bundle is left out"
    );
    let client = Client {
        router: app(state.into()),
        id: new.clone(),
        root,
    };
    // The pointer that is told names what is served, whatever the file says by now.
    point_at(client.root.path(), &old);
    let pointer = client.get("/bundle/current.json", &[]).await;
    assert!(String::from_utf8(pointer.body).unwrap().contains(&new));
    let answer = client.get(&format!("/bundle/{old}/manifest.json"), &[]).await;
    let manifest = Manifest::parse(&answer.body, &old).unwrap();
    let tower = manifest.file(Role::UserTower).unwrap();
    let answer = client.get(&format!("/bundle/{old}/{}", tower.path), &[]).await;
    tower.verify(&answer.body).unwrap();
}

#[tokio::test]
async fn a_file_that_has_gone_or_changed_is_the_servers_fault() {
    let client = Client::new();
    let path = path_of(client.root.path(), &client.id, Role::UserTower);
    let uri = format!(
        "/bundle/{}/client/{}",
        client.id,
        path.file_name().unwrap().to_str().unwrap()
    );
    assert_eq!(client.get(&uri, &[]).await.status, StatusCode::OK);
    std::fs::write(&path, "shorter").unwrap();
    assert_eq!(client.get(&uri, &[]).await.error(), (500, "server-error".to_owned()));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(client.get(&uri, &[]).await.error(), (500, "server-error".to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Whatever is asked below /bundle, nothing of the server half and nothing beside the bundles comes out.
    #[test]
    fn any_path_below_bundle_gives_a_listed_file_or_404(parts in prop::collection::vec(
        prop::sample::select(vec!["..", "%2e%2e", "client", "server", "ID", "manifest.json", "%2f", ".", "current.json", ""]), 1..6,
    )) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = Client::new();
            let path = parts.join("/").replace("ID", &client.id);
            let answer = client.get(&format!("/bundle/{path}"), &[]).await;
            let listed = [format!("{}/manifest.json", client.id), "current.json".to_owned()];
            if listed.contains(&path) {
                assert_eq!(answer.status, StatusCode::OK);
            } else {
                assert_eq!(answer.error(), (404, "not-found".to_owned()), "{path}");
            }
        });
    }
}
