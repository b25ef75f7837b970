//! The server as a client sees it: every answer, every error code, the start and the end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod accounts;
mod blocks;
mod bundle;
mod client;
mod crash;
#[cfg(feature = "milvus")]
mod engine;
mod errors;
mod events;
mod experiment;
mod export;
mod filters;
mod fixture;
mod index;
mod lifecycle;
mod limits;
mod online;
mod openapi;
mod personal;
mod privacy;
mod process;
mod purposes;
mod recent;
mod reports;
mod rollback;
mod shadow;
mod start;
mod swap;
