//! `App`: builds every room, opens the listeners, and runs until it is told to stop. The only file that knows every door.

mod demo;
mod gate;
mod house;
mod ops;
mod run;
mod side_port;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use axum::Router;

pub use demo::{Demo, Places};
pub use run::{Stop, stop_on_signals};

use crate::admin::{self, SocketError};
use crate::administration::{Administration, By};
use crate::config::{Config, Dns, MailSettings};
use crate::console::{self, Console};
use crate::credential::Hasher;
use crate::directory::backfill::backfill;
use crate::directory::outbox;
use crate::kernel::{Clock, Rng};
use crate::mail::{Mailer, Rules};
use crate::portal::{self, Portal};
use crate::proof::{Proof, ProofSettings};
use crate::proxy::GateSettings;
use crate::saml::fetch::Fetcher;
use crate::saml::keys;
use crate::saml::service_provider::{ServiceProvider, ServiceProviderKey};
use crate::saml::signing::SigningError;
use crate::scim::ScimServer;
use crate::second_factor::{RelyingParty, Sms, SmsSettings};
use crate::session::{SessionError, SessionSettings, Sessions};
use crate::store::{ExportSchedule, SledBackend, Store, StoreError, TableChecker, Tx, exports_directory};
use crate::telemetry::{self, TelemetryError};
use crate::webhook::{self, Announcer, Courier};

/// Why the server can't run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The data.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sessions.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The service provider's key.
    #[error("can't make a SAML key: {0}")]
    Key(#[from] SigningError),
    /// The admin socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// Logs and metrics.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// A listener.
    #[error("can't listen at {address} («{key}» in [listen]): {}", told(.error))]
    Listen {
        /// The configuration's key.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The gate.
    #[error("the gate can't be built: {0}")]
    Gate(String),
    /// Codes by SMS.
    #[error("{0}")]
    Sms(String),
    /// Webhooks.
    #[error("{0}")]
    Webhooks(String),
    /// Metadata at an address.
    #[error("{0}")]
    Metadata(String),
    /// The system.
    #[error("can't start: {0}")]
    System(#[from] io::Error),
}

fn told(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program has that port; stop it, or choose another port".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "this user may not; ports below 1024 need CAP_NET_BIND_SERVICE, or choose another port".to_owned()
        }
        _ => error.to_string(),
    }
}

/// The whole program, as a value: every room is built, nothing listens yet.
pub struct App {
    config: Config,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    store: Store,
    exports: Option<ExportSchedule>,
    mailer: Option<Arc<Mailer>>,
    courier: Arc<Courier>,
    sessions: Arc<Sessions>,
    portal: Router,
    gate: GateSettings,
    proof: Arc<Proof>,
    admin: Arc<Administration>,
    scim: Arc<ScimServer>,
    ops: Arc<ops::Ops>,
}

impl App {
    /// Opens the store that the configuration names, and builds everything on it.
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn open(config: Config, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Result<Self, ServerError> {
        let backend = SledBackend::open(&config.store)?;
        let store = Store::open(backend, Arc::clone(&clock)).await?;
        let schedule = schedule(&config.store);
        let app = App::build(config, store, clock, rng).await?;
        Ok(App { exports: Some(schedule), ..app })
    }

    /// Builds everything on a store that is open already; makes no exports by itself.
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn build(
        config: Config,
        store: Store,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Self, ServerError> {
        let metrics = telemetry::metrics()?;
        backfill(&store).await?;
        let courier = courier(&config, &store, &rng)?;
        // From here on whatever is changed is told.
        let store = match Announcer::new(&config.webhooks, Arc::clone(&rng)) {
            Some(announcer) => store.with_witness(announcer),
            None => store,
        };
        let mailer = mailer(&config, &store).await?;
        let settings = SessionSettings {
            idle: config.session.idle,
            absolute: config.session.absolute,
            ..SessionSettings::new(config.public_url.as_str())
        };
        let sessions = Sessions::open(store.clone(), Arc::clone(&clock), Arc::clone(&rng), settings).await?;
        let service_provider = ServiceProvider::new(config.public_url.as_str());
        let make = || ServiceProviderKey::generate(service_provider.base_url(), clock.now(), &*rng);
        keys::load(&store, || make().map_err(ServerError::from)).await?;
        let hasher = Hasher::new(Arc::clone(&rng));
        let portal = Portal::new(store.clone(), Arc::clone(&sessions), Arc::clone(&rng), &config.public_url)
            .with_passwords(config.password, Arc::clone(&hasher))
            .with_public_mail(config.dns.public_mail.clone())
            .with_sms(sms(&config, &store)?);
        if let Err(reason) = RelyingParty::new(&config.public_url) {
            tracing::info!(%reason, "there are no passkeys here");
        }
        let gate = gate::settings(&config);
        let proof = Arc::new(Proof::new(store.clone(), Arc::clone(&rng), proof_settings(&config)));
        let admin = Administration {
            store: store.clone(),
            rng: Arc::clone(&rng),
            passwords: config.password,
            hasher,
            service_provider,
            scim_url: config.scim.base_url(),
            documents: Arc::new(Fetcher::new(&config.saml).map_err(ServerError::Metadata)?),
            proof: Arc::clone(&proof),
            courier: Arc::clone(&courier),
            routes: Arc::new(gate::Explainer::new(&gate).map_err(ServerError::Gate)?),
            door_checkers,
            started: clock.now(),
            by: By::admin_socket(),
        };
        let admin = Arc::new(admin);
        let console = Console::open(Arc::clone(&admin), Arc::clone(&sessions), &config.public_url).await?;
        let scim = ScimServer::open(store.clone(), Arc::clone(&rng), &config.scim.base_url()).await?;
        let ops = ops::Ops { store: store.clone(), sessions: Arc::clone(&sessions), metrics };
        Ok(App {
            portal: portal::router(portal).merge(console::router(console)),
            admin,
            scim,
            ops: Arc::new(ops),
            exports: None,
            mailer,
            courier,
            config,
            clock,
            rng,
            store,
            sessions,
            gate,
            proof,
        })
    }

    /// The data.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What the admin socket answers with, for calls from within the process.
    pub fn admin(&self) -> Router {
        admin::router(Arc::clone(&self.admin))
    }
}

/// Says in the store whether mail is sent here, and makes what sends it.
async fn mailer(config: &Config, store: &Store) -> Result<Option<Arc<Mailer>>, StoreError> {
    let on = config.mail.is_some();
    store.transaction("switch mail", async |tx: Tx| outbox::switch(&tx, on).await).await?;
    let site = config.public_url.host_str().unwrap_or_default();
    let make = |mail: &MailSettings| {
        let (server, from) = (mail.server.clone(), mail.from.clone());
        Mailer::new(store.clone(), server, from, site, Rules::default())
    };
    Ok(config.mail.as_ref().map(make))
}

/// What sends webhooks, also if none is configured: it buries what waits for those of before.
fn courier(config: &Config, store: &Store, rng: &Arc<dyn Rng>) -> Result<Arc<Courier>, ServerError> {
    let rules = webhook::Rules::default();
    Courier::new(store.clone(), Arc::clone(rng), &config.webhooks, rules).map_err(ServerError::Webhooks)
}

/// What the doors with tables of their own promise of them.
pub fn door_checkers() -> Vec<TableChecker> {
    let mut all = portal::checkers();
    all.extend(console::checkers());
    all
}

/// What sends codes by SMS, if a gateway is named.
fn sms(config: &Config, store: &Store) -> Result<Option<Arc<Sms>>, ServerError> {
    let host = config.public_url.host_str().unwrap_or_default();
    let make = |settings: &SmsSettings| Sms::new(store.clone(), settings.clone(), host);
    config.sms.as_ref().map(make).transpose().map_err(ServerError::Sms)
}

/// How claimed domains are proved.
fn proof_settings(config: &Config) -> ProofSettings {
    let Dns { servers, rules, prefix, public_mail } = config.dns.clone();
    let site = config.public_url.to_string();
    ProofSettings { servers, rules, prefix, public_mail, site, ..ProofSettings::default() }
}

/// Automatic exports: how often, and how many are kept.
fn schedule(store: &Path) -> ExportSchedule {
    ExportSchedule { directory: exports_directory(store), every: house::EXPORT_EVERY, keep: house::EXPORTS_KEPT }
}

/// Opens a listener, or says which key of the configuration is to blame.
fn listen(key: &'static str, address: SocketAddr) -> Result<TcpListener, ServerError> {
    let failed = |error| ServerError::Listen { key, address, error };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}
