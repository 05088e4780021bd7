//! Opens the listeners and runs pingora's server until it is told to stop.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use parking_lot::Mutex;
use pingora::server::configuration::ServerConf;
use pingora::server::{RunArgs, Server, ShutdownSignal, ShutdownSignalWatch};
use pingora::services::background::background_service;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::house::{Door, House};
use super::side_port::SidePort;
use super::{App, ServerError, listen, ops};
use crate::config::Config;
use crate::saml::expiry::Expiry;
use crate::scim::{self, ScimServer};
use crate::{admin, proxy};

/// How long requests under way may go on after SIGTERM, in seconds.
const GRACE_SECONDS: u64 = 3;
/// How long the threads may take to end after that, in seconds.
const THREADS_END_SECONDS: u64 = 2;

/// How often it is looked whether the proxy listens yet.
const LISTEN_LOOK_EVERY: Duration = Duration::from_millis(10);
/// How often at most.
const LISTEN_LOOKS: u32 = 1000;

/// Tells a running server to stop.
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// A switch that others turn: `true` stops at once.
    pub fn switch() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Stop(receiver))
    }
}

#[async_trait]
impl ShutdownSignalWatch for Stop {
    async fn recv(&self) -> ShutdownSignal {
        // A switch that nobody holds any more counts as turned.
        let _ = self.0.clone().wait_for(|stop| *stop).await;
        ShutdownSignal::FastShutdown
    }
}

struct Signals;

#[async_trait]
impl ShutdownSignalWatch for Signals {
    async fn recv(&self) -> ShutdownSignal {
        let wait = async |kind: SignalKind| match signal(kind) {
            Ok(mut signal) => signal.recv().await,
            Err(error) => {
                tracing::error!(%error, "can't listen for a signal");
                std::future::pending().await
            }
        };
        tokio::select! {
            _ = wait(SignalKind::terminate()) => ShutdownSignal::GracefulTerminate,
            _ = wait(SignalKind::interrupt()) => ShutdownSignal::FastShutdown,
            _ = wait(SignalKind::quit()) => ShutdownSignal::FastShutdown,
        }
    }
}

/// SIGTERM stops with some seconds of grace; SIGINT (Ctrl-C) and SIGQUIT at once.
pub fn stop_on_signals() -> Box<dyn ShutdownSignalWatch> {
    Box::new(Signals)
}

impl From<Stop> for Box<dyn ShutdownSignalWatch> {
    fn from(stop: Stop) -> Self {
        Box::new(stop)
    }
}

impl App {
    /// Opens the listeners, and `further` ones in the same process, and runs until `stop` says so. Calls `ready` once
    /// the proxy listens.
    ///
    /// # Errors
    /// [`ServerError`], before anything is served.
    pub fn run(
        self,
        stop: impl Into<Box<dyn ShutdownSignalWatch>>,
        further: Vec<(TcpListener, Router)>,
        ready: impl FnOnce() + Send + 'static,
    ) -> Result<(), ServerError> {
        // Whoever was quicker has installed the same one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let App {
            config,
            clock,
            rng,
            store,
            exports,
            mailer,
            courier,
            sessions,
            portal,
            gate,
            proof,
            admin,
            scim,
            ops,
        } = self;
        // pingora opens the proxy's port itself, and panics if it can't: so it is tried first.
        drop(listen("proxy", config.listen.proxy)?);
        let ops_listener = listen("ops", config.listen.ops)?;
        let side = side_port(&config, &scim)?;
        let socket = config.listen.admin_socket.clone();
        let admin_listener = admin_socket(&socket)?;
        let mut server = Server::new_with_opt_and_conf(None, conf(&config));
        let expiry = Expiry::new(store.clone(), Arc::clone(&rng), config.public_url.as_str());
        let gate = proxy::service(&gate, &sessions, portal, rng, &server.configuration).map_err(ServerError::Gate)?;
        let mut doors = vec![
            Door::Admin(admin_listener, admin::router(Arc::clone(&admin))),
            Door::Side(side),
            Door::Tcp(ops_listener, ops::router(Arc::clone(&ops))),
        ];
        doors.extend(further.into_iter().map(|(listener, router)| Door::Tcp(listener, router)));
        let metrics = ops.metrics.clone();
        let doors = Mutex::new(doors);
        let house = House { doors, store, clock, mailer, courier, exports, scim, proof, expiry, admin, metrics };
        server.bootstrap();
        server.add_service(gate.listener);
        server.add_service(gate.upkeep);
        server.add_service(background_service("house", house));
        let announcing = std::thread::spawn(move || announce(&config, ready));
        server.run(RunArgs { shutdown_signal: stop.into() });
        // The next server would replace it; a client should not find it.
        let _ = std::fs::remove_file(&socket);
        drop(announcing);
        tracing::info!("Vestibule has stopped");
        Ok(())
    }
}

/// Waits until the proxy listens, and says so.
fn announce(config: &Config, ready: impl FnOnce()) {
    let mut address = config.listen.proxy;
    if address.ip().is_unspecified() {
        let loopback: IpAddr = if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        address.set_ip(loopback);
    }
    for _ in 0..LISTEN_LOOKS {
        if TcpStream::connect_timeout(&address, LISTEN_LOOK_EVERY).is_ok() {
            tracing::info!(
                public_url = %config.public_url,
                proxy = %config.listen.proxy,
                tls = config.listen.tls.is_some(),
                scim = %config.listen.scim,
                ops = %config.listen.ops,
                admin_socket = %config.listen.admin_socket.display(),
                store = %config.store.display(),
                "Vestibule is running"
            );
            return ready();
        }
        std::thread::sleep(LISTEN_LOOK_EVERY);
    }
    tracing::error!(proxy = %config.listen.proxy, "the proxy does not listen");
}

/// The side port, with the proxy's certificate if it speaks TLS itself.
fn side_port(config: &Config, scim: &Arc<ScimServer>) -> Result<SidePort, ServerError> {
    let listener = listen("scim", config.listen.scim)?;
    let files = config.listen.tls.clone().filter(|_| config.scim.tls);
    let files = files.map(|files| proxy::TlsFiles { certificate: files.certificate, key: files.key });
    SidePort::new(listener, scim::router(Arc::clone(scim)), files).map_err(ServerError::Gate)
}

/// Opened within a runtime of its own, since the one that serves it does not run yet.
fn admin_socket(path: &std::path::Path) -> Result<std::os::unix::net::UnixListener, ServerError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _inside = runtime.enter();
    Ok(admin::bind(path)?.into_std()?)
}

/// pingora's own settings: nothing of it in /tmp, no daemon, an end in seconds.
fn conf(config: &Config) -> ServerConf {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    ServerConf {
        threads: if config.threads == 0 { cores } else { config.threads },
        daemon: false,
        pid_file: String::new(),
        upgrade_sock: config.store.join("upgrade.sock").display().to_string(),
        grace_period_seconds: Some(GRACE_SECONDS),
        graceful_shutdown_timeout_seconds: Some(THREADS_END_SECONDS),
        ..ServerConf::default()
    }
}
