//! The list of error codes is one: every code is in the handbook, once, and nothing else is.

use upnext_core::Code;

#[test]
fn every_code_stands_once_in_the_handbook_and_no_other() {
    let handbook = include_str!("../../../docs/errors.md");
    let listed: Vec<&str> = handbook
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(listed, known);
}

#[test]
fn codes_are_distinct_and_parse_back() {
    for code in Code::ALL {
        assert_eq!(Code::parse(code.as_str()), Some(*code));
    }
    assert_eq!(Code::parse("no-such-code"), None);
}
