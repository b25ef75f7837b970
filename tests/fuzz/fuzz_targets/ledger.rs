#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| upnext_fuzz::ledger(bytes));
