//! `coincide serve`: a server of files for whoever develops a page.

use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use crate::answer::Site;

/// What to serve, where, and how.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder to serve
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// The port to listen on; 0 takes any that is free
    #[arg(short, long, default_value_t = 8080)]
    port: u16,
    /// The address to listen on; other machines reach no other than one of theirs or 0.0.0.0
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Leave out the headers of isolation, to see a page as a site without them serves it
    #[arg(long)]
    no_isolation: bool,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
}

/// Serves until the process is interrupted.
///
/// # Errors
/// When the folder isn't there or the port can't be listened on.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = existing(&options.folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    // Before anybody knows the address and may want it to end. Nothing is written, so nothing has to be finished.
    ctrlc::set_handler(|| std::process::exit(0)).context("cannot listen for interrupts")?;
    runtime.block_on(async {
        let listener = listen(&options.host, options.port).await?;
        let address = listener.local_addr()?;
        announce(&folder, address, options);
        let site = Arc::new(Site::new(&folder, !options.no_isolation));
        accept(listener, site).await
    })
}

fn existing(folder: &Path) -> anyhow::Result<PathBuf> {
    let shown = folder.display();
    let metadata = match folder.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!("there is no folder {shown}"),
        metadata => metadata.with_context(|| format!("cannot look into {shown}"))?,
    };
    if !metadata.is_dir() {
        bail!("{shown} is no folder: serve the one that it is in");
    }
    std::path::absolute(folder).with_context(|| format!("cannot look into {shown}"))
}

async fn listen(host: &str, port: u16) -> anyhow::Result<TcpListener> {
    match TcpListener::bind((host, port)).await {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!("port {port} is taken: choose another with `--port`, or let `--port 0` find one that is free")
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            bail!("port {port} needs more rights than this program has: choose one from 1024 with `--port`")
        }
        listener => listener.with_context(|| format!("cannot listen on {host}, port {port}")),
    }
}

/// Says where the page is, and what to know about it.
fn announce(folder: &Path, address: SocketAddr, options: &Options) {
    let page = format!("http://{address}/");
    let isolation = if options.no_isolation { ", without the headers of isolation" } else { "" };
    let text = format!("{page} serves {}{isolation}\nCtrl-C ends it\n", folder.display());
    // Whoever doesn't want to hear it is served all the same.
    let _ = std::io::stdout().write_all(text.as_bytes());
    if !address.ip().is_loopback() {
        eprintln!("warning: other machines can read this folder; their browsers isolate pages with https only");
    }
    if options.open
        && let Err(error) = open::that_detached(&page)
    {
        eprintln!("warning: cannot open a browser ({error}): open {page} yourself");
    }
}

/// Accepts connections for ever.
async fn accept(listener: TcpListener, site: Arc<Site>) -> anyhow::Result<()> {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(converse(stream, Arc::clone(&site)));
            }
            // Too many open files, or a peer that is gone already: neither is worth ending for, or spinning.
            Err(_) => tokio::time::sleep(BREATH).await,
        }
    }
}

/// Answers the requests of a connection.
async fn converse(stream: TcpStream, site: Arc<Site>) {
    // Small answers are not to wait for more.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let site = Arc::clone(&site);
        async move { site.answer(request).await }
    });
    // A browser that goes away in the middle is no fault of ours.
    let _ = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
}

const BREATH: Duration = Duration::from_millis(50);
