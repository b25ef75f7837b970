//! `upnext-server`: reads the command line, loads, serves.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use tokio::net::TcpListener;
use upnext_core::Code;
use upnext_server::cli::{Cli, Command, SECRET_VARIABLE, ServeArgs, TokenArgs, token_key};
use upnext_server::error::StartError;
use upnext_server::serve::{load, serve, stop_signal, system_clock};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Some(Command::Token(args)) => print_token(args),
        None => run(&cli.serve),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { code, message }) => {
            eprintln!("upnext-server: {message} [{}]", code.as_str());
            ExitCode::FAILURE
        }
    }
}

/// What ends the process early.
struct Failure {
    code: Code,
    message: String,
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Failure {
        Failure {
            code: error.code(),
            message: error.to_string(),
        }
    }
}

fn secret_from_environment() -> Option<String> {
    std::env::var(SECRET_VARIABLE).ok().filter(|secret| !secret.is_empty())
}

fn print_token(args: &TokenArgs) -> Result<(), Failure> {
    let key = token_key(args.token_secret_file.as_ref(), secret_from_environment().as_deref())?;
    let key = key.ok_or(StartError::ConfigInvalid {
        option: "--token-secret-file",
        reason: format!("is needed to sign a token, or {SECRET_VARIABLE} in the environment"),
    })?;
    let lifetime_ms = i64::from(args.ttl_hours) * 3_600_000;
    println!(
        "{}",
        key.sign(&args.account, system_clock().saturating_add(lifetime_ms))?
    );
    Ok(())
}

fn run(args: &ServeArgs) -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if args.log_json {
        log.json().init();
    } else {
        log.init();
    }
    let settings = args.settings()?;
    let key = token_key(args.token_secret_file.as_ref(), secret_from_environment().as_deref())?;
    let state = Arc::new(load(args.bundle.clone().unwrap_or_default(), key, settings)?);
    let socket = |error: std::io::Error| Failure {
        code: Code::ConfigInvalid,
        message: format!("--listen {}: {error}", args.listen),
    };
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(socket)?
        .block_on(async {
            let listener = TcpListener::bind(args.listen).await.map_err(socket)?;
            let address = listener.local_addr().map_err(socket)?;
            tracing::info!(
                bundle = state.catalogue.bundle_id,
                videos = state.catalogue.videos.len(),
                accounts = state.catalogue.accounts.len(),
                bundles = state.bundle_files.bundles(),
                tokens = state.token_key.is_some(),
                "serving on http://{address}"
            );
            serve(
                listener,
                state,
                stop_signal(),
                Duration::from_secs(args.grace_seconds.into()),
            )
            .await
            .map_err(socket)
        })
}
