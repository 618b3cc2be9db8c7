//! `coincide serve`: a server of files for web development.

use std::collections::VecDeque;
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
use tokio::task::AbortHandle;

use crate::answer::{self, Site};
use crate::host::Host;
use crate::sys;

/// Options of `coincide serve`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder to serve
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// The port to listen on; 0 for any free port
    #[arg(short, long, default_value_t = 8080)]
    port: u16,
    /// The address to listen on; with 0.0.0.0, other machines can connect
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Also answer requests to this host name or address; can be repeated
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<Host>,
    /// Let pages of all other origins load and read the files
    #[arg(long)]
    cors: bool,
    /// Leave out the headers of isolation, to see a page as a site without them serves it
    #[arg(long)]
    no_isolation: bool,
    /// Answer 404 for a folder without an index.html, instead of a list of its files
    #[arg(long)]
    no_list: bool,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
}

/// Serves until the process is interrupted.
///
/// # Errors
/// When the folder does not exist or the port cannot be listened on.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = existing(&options.folder)?;
    sys::raise_file_limit();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    // Set before the address is printed, after which an interrupt is expected. Nothing is written, so there is nothing to finish.
    ctrlc::set_handler(|| std::process::exit(0)).context("cannot listen for interrupts")?;
    runtime.block_on(async {
        let listener = listen(&options.host, options.port).await?;
        let address = listener.local_addr()?;
        announce(&folder, address, options);
        // The host of `--host` is allowed. It is well-formed, because the server listens on it.
        let hosts = options.allow_host.iter().cloned().chain(options.host.parse());
        let site = answer::Options {
            isolated: !options.no_isolation,
            cors: options.cors,
            hosts: hosts.collect(),
            lists: !options.no_list,
        };
        let site = Arc::new(Site::new(folder, site));
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

/// Prints the address of the page, and warnings.
fn announce(folder: &Path, address: SocketAddr, options: &Options) {
    let page = format!("http://{address}/");
    let isolation = if options.no_isolation { ", without the headers of isolation" } else { "" };
    let text = format!("{page} serves {}{isolation}\nCtrl-C ends it\n", folder.display());
    // Serving continues if the output is closed.
    let _ = std::io::stdout().write_all(text.as_bytes());
    if !address.ip().is_loopback() {
        eprintln!(
            "warning: other machines can read this folder; by name they reach it with `--allow-host NAME`, and their \
             browsers isolate pages with https only"
        );
    }
    if options.open
        && let Err(error) = open::that_detached(&page)
    {
        eprintln!("warning: cannot open a browser ({error}): open {page} yourself");
    }
}

/// Accepts connections indefinitely.
///
/// At [`CONNECTIONS`], the oldest connection is closed for the next one, so that idle clients cannot block others.
async fn accept(listener: TcpListener, site: Arc<Site>) -> anyhow::Result<()> {
    let mut open = VecDeque::<AbortHandle>::new();
    loop {
        let accepted = listener.accept().await;
        open.retain(|connection| !connection.is_finished());
        if (open.len() >= CONNECTIONS || accepted.is_err())
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        match accepted {
            Ok((stream, _)) => open.push_back(tokio::spawn(converse(stream, Arc::clone(&site))).abort_handle()),
            // Too many files are open, or the peer has closed the connection. Retrying at once might spin.
            Err(_) => tokio::time::sleep(BREATH).await,
        }
    }
}

/// Answers the requests of a connection.
async fn converse(stream: TcpStream, site: Arc<Site>) {
    // Small answers are sent without waiting for more.
    let _ = stream.set_nodelay(true);
    let Ok(local) = stream.local_addr() else {
        return;
    };
    // A socket that listens on `::` reports IPv4 addresses as mapped IPv6 addresses.
    let local = local.ip().to_canonical();
    let service = service_fn(move |request| {
        let site = Arc::clone(&site);
        async move { site.answer(request, local).await }
    });
    // A browser that closes a connection early is not an error.
    let _ = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// Maximum number of open connections. Browsers open six to a host.
const CONNECTIONS: usize = 256;

const BREATH: Duration = Duration::from_millis(50);
