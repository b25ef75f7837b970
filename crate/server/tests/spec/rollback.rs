//! `rollback`: back to the bundle before by one command.

use std::process::Command;

use upnext_core::bundle::Role;
use upnext_server::catalogue::current_id;
use upnext_server::rollback::rollback;

use super::fixture::{World, path_of, root_with};

fn named(note: &'static str) -> World {
    World { note, ..World::small() }
}

#[test]
fn the_pointer_goes_back_and_forth_and_to_nothing_that_does_not_verify() {
    let (root, first) = root_with(&named("first"));
    assert_eq!(
        rollback(root.path(), None).unwrap_err().code(),
        upnext_core::Code::BundleIncomplete
    );
    let second = named("second").write(root.path());
    assert_eq!(rollback(root.path(), None).unwrap(), first);
    assert_eq!(current_id(root.path()).unwrap(), first);
    assert_eq!(rollback(root.path(), Some(&second)).unwrap(), second);
    let broken = path_of(root.path(), &first, Role::Gram);
    let mut bytes = std::fs::read(&broken).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&broken, bytes).unwrap();
    assert_eq!(
        rollback(root.path(), None).unwrap_err().code(),
        upnext_core::Code::BundleCorrupt
    );
    assert_eq!(
        rollback(root.path(), Some("../..")).unwrap_err().code(),
        upnext_core::Code::ConfigInvalid
    );
    assert!(rollback(root.path(), Some(&"0".repeat(64))).is_err());
    assert_eq!(current_id(root.path()).unwrap(), second, "the pointer stayed");
}

#[test]
fn the_command_says_what_is_current() {
    let (root, first) = root_with(&named("first"));
    named("second").write(root.path());
    let output = Command::new(env!("CARGO_BIN_EXE_upnext-server"))
        .args(["rollback", "--bundle", root.path().to_str().unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!("current bundle: {first}\n")
    );
}
