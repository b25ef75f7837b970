//! `upnext-server`: reads the command line, loads, serves.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use tokio::net::TcpListener;
use upnext_core::Code;
use upnext_server::app::Clock;
use upnext_server::candidates::{Shares, Wish};
use upnext_server::cli::{
    ADMIN_KEY_VARIABLE, Cli, Command, ExportArgs, OnlineArgs, SECRET_VARIABLE, ServeArgs, ShadowArgs, TokenArgs,
    admin_key, public_key, token_key,
};
use upnext_server::error::StartError;
use upnext_server::export::{Export, export};
use upnext_server::online::page::page;
use upnext_server::online::table::table;
use upnext_server::online::{Window, count};
use upnext_server::rollback::rollback;
use upnext_server::serve::{file_clock, keep_window, load, serve, stop_signal, system_clock, watch_pointer};
use upnext_server::shadow::report::{Plan, compare};
use upnext_server::store::Store;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often it is looked for events that are too old to be kept.
const FORGET_INTERVAL: Duration = Duration::from_secs(3600);
/// How often the pointer is looked at.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Some(Command::Token(args)) => print_token(args),
        Some(Command::ExportEvents(args)) => export_events(args),
        Some(Command::Online(args)) => online(args),
        Some(Command::Shadow(args)) => shadow(args),
        Some(Command::Rollback(args)) => rollback(&args.bundle, args.to.as_deref())
            .map(|id| println!("current bundle: {id}"))
            .map_err(Failure::from),
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

fn from_environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|secret| !secret.is_empty())
}

fn export_events(args: &ExportArgs) -> Result<(), Failure> {
    let done = export(&Export {
        data: args.data.clone(),
        bundle: args.bundle.clone(),
        base: args.base.clone(),
        out: args.out.clone(),
    })?;
    println!(
        "{}: {} interactions of {} users with {} videos",
        args.out.display(),
        done.interactions,
        done.users,
        done.videos
    );
    if done.unknown_videos > 0 {
        println!(
            "{} events left out: their videos are neither in the bundle nor in the base",
            done.unknown_videos
        );
    }
    Ok(())
}

fn online(args: &OnlineArgs) -> Result<(), Failure> {
    let report = count(&args.data, &args.bundle, Window::last(args.days, system_clock()))?;
    print!("{}", table(&report));
    let json = serde_json::to_string_pretty(&report).map_err(std::io::Error::from);
    for (file, text) in [(&args.json, json), (&args.html, Ok(page(&report, "upnext online")))] {
        write(file.as_deref(), text)?;
    }
    Ok(())
}

/// Writes a text to a file, where there is one to write to, and names it.
fn write(file: Option<&Path>, text: std::io::Result<String>) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    let written = text.and_then(|text| std::fs::write(file, text));
    written.map_err(|error| StartError::FileUnreadable {
        path: file.to_owned(),
        reason: format!("it cannot be written: {error}"),
    })?;
    println!("{}", file.display());
    Ok(())
}

fn shadow(args: &ShadowArgs) -> Result<(), Failure> {
    let report = compare(&Plan {
        bundle: args.bundle.clone(),
        next: args.next.clone(),
        data: args.data.clone(),
        accounts: args.accounts,
        wish: Wish {
            languages: args.languages.clone(),
            size: args.size,
            shares: Shares::default(),
            now_ms: system_clock(),
        },
    })?;
    print!("{}", upnext_server::shadow::table::table(&report));
    let json = serde_json::to_string_pretty(&report).map_err(std::io::Error::from);
    write(args.json.as_deref(), json)
}

fn print_token(args: &TokenArgs) -> Result<(), Failure> {
    let key = token_key(
        args.token_secret_file.as_ref(),
        from_environment(SECRET_VARIABLE).as_deref(),
    )?;
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
    let public = args.token_public_key_file.as_ref().map(public_key).transpose()?;
    let secret = token_key(
        args.token_secret_file.as_ref(),
        from_environment(SECRET_VARIABLE).as_deref(),
    )?;
    let key = public.or(secret);
    let admin_key = admin_key(
        args.admin_key_file.as_ref(),
        from_environment(ADMIN_KEY_VARIABLE).as_deref(),
    )?;
    let store = args
        .data
        .as_deref()
        .map(Store::open)
        .transpose()
        .map_err(StartError::from)?;
    let root = args.bundle.clone().unwrap_or_default();
    let clock: Clock = match &args.clock_file {
        Some(file) => file_clock(file.clone())?,
        None => Box::new(system_clock),
    };
    let shadow = args.shadow.as_deref();
    let state = Arc::new(load(&root, shadow, key, settings, store, admin_key, clock)?);
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
            upnext_server::shadow::start(&state).map_err(|error| Failure {
                code: Code::ServerError,
                message: format!("no thread for the shadow: {error}"),
            })?;
            let serving = state.serving();
            let catalogue = &serving.current.catalogue;
            tracing::info!(
                bundle = catalogue.bundle_id,
                videos = catalogue.videos.len(),
                accounts = catalogue.accounts.len(),
                bundles = serving.files.bundles(),
                tokens = state.token_key.is_some(),
                events = state.store.is_some(),
                experiment = state.settings.experiment.is_some(),
                shadow = serving
                    .shadow
                    .as_ref()
                    .map(|shadow| shadow.catalogue.bundle_id.as_str()),
                "serving on http://{address}"
            );
            drop(serving);
            tokio::spawn(keep_window(Arc::clone(&state), FORGET_INTERVAL));
            tokio::spawn(watch_pointer(root, Arc::clone(&state), WATCH_INTERVAL));
            serve(
                listener,
                state,
                stop_signal(),
                Duration::from_secs(args.drain_seconds.into()),
                Duration::from_secs(args.grace_seconds.into()),
            )
            .await
            .map_err(socket)
        })
}
