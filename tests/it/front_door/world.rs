//! A whole front door in process: store, people, sessions, gate, app.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pingora::server::configuration::ServerConf;
use pingora::services::Service as _;
use pingora::services::background::BackgroundService as _;
use tokio::sync::watch;
use vestibule::directory::organization::{self, OrgKind};
use vestibule::directory::{DirectoryError, Organization, Origin, User, member, user};
use vestibule::kernel::{ManualClock, Role, SystemRng, Timestamp};
use vestibule::proxy::{self, Access, GateSettings, RouteSettings, UpstreamSettings};
use vestibule::session::{FEED_BOUND, Method, NewSession, SessionError, SessionSettings, Sessions};
use vestibule::store::{SledBackend, Store, Tx};

use super::app::App;

/// The front door.
pub struct World {
    pub gate: SocketAddr,
    pub app: App,
    pub store: Store,
    pub clock: Arc<ManualClock>,
    pub sessions: Arc<Sessions>,
    pub acme: Organization,
    pub ada: User,
    // The gate lives until its world is dropped.
    _shutdown: watch::Sender<bool>,
}

impl World {
    /// Ada is an admin of acme; the routes are those of [`routes`].
    pub async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// The same, with other settings.
    pub async fn with(change: impl FnOnce(&mut GateSettings)) -> Self {
        Self::build(change, FEED_BOUND).await
    }

    /// The same, where the change feed always counts as silent for too long.
    pub async fn deaf() -> Self {
        Self::build(|_| (), Duration::ZERO).await
    }

    async fn build(change: impl FnOnce(&mut GateSettings), feed_bound: Duration) -> Self {
        let app = App::start("app").await;
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let store = Store::open(SledBackend::temporary().unwrap(), clock.clone()).await.unwrap();
        let (acme, ada) = people(&store).await;
        let mut settings = GateSettings {
            listen: free_port(),
            tls: None,
            public_url: "http://localhost".parse().unwrap(),
            trusted_proxies: Vec::new(),
            upstreams: vec![UpstreamSettings::plain("app", vec![("127.0.0.1".to_owned(), app.address.port())])],
            routes: routes(),
            identity_headers: Vec::new(),
            access_log: true,
            open_files: None,
        };
        change(&mut settings);
        let public_url = settings.public_url.to_string();
        let session_settings = SessionSettings { feed_bound, ..SessionSettings::new(public_url) };
        let sessions =
            Sessions::open(store.clone(), clock.clone(), Arc::new(SystemRng), session_settings).await.unwrap();
        let (shutdown, watcher) = watch::channel(false);
        let conf = Arc::new(ServerConf::default());
        let services = proxy::service(&settings, &sessions, super::portal::stub(), Arc::new(SystemRng), &conf).unwrap();
        let upkeep = services.upkeep.task();
        let upkeep_watcher = watcher.clone();
        tokio::spawn(async move { upkeep.start(upkeep_watcher).await });
        let mut listener = services.listener;
        tokio::spawn(async move { listener.start_service(None, watcher, 1).await });
        wait_for(settings.listen).await;
        World { gate: settings.listen, app, store, clock, sessions, acme, ada, _shutdown: shutdown }
    }

    /// A `Cookie` value with a fresh session of Ada's in acme.
    pub async fn sign_in(&self) -> String {
        self.sign_in_as(&NewSession {
            organization: Some(self.acme.id),
            connection: Some(self.acme.id),
            ..NewSession::new(self.ada.id, Method::Sso, self.store.now())
        })
        .await
    }

    /// A `Cookie` value with a fresh session.
    pub async fn sign_in_as(&self, new: &NewSession) -> String {
        let start = async |tx: Tx| self.sessions.start(&tx, new).await;
        let started = self.store.transaction::<_, SessionError, _, _>("sign in", start).await.unwrap();
        // Whatever happens to the session from now on happens after it was made.
        self.clock.advance(Duration::from_millis(1));
        started.set_cookie.to_str().unwrap().split(';').next().unwrap().to_owned()
    }
}

/// `/public/` for everyone, `/admin/` for owners, `/acme/` for acme, `/ops/` for acme's team of that name, the rest for whoever is signed in.
fn routes() -> Vec<RouteSettings> {
    let route = |path: &str, access| RouteSettings { path: path.to_owned(), access, max_age: None, upstream: None };
    let owners = Access::Only { orgs: Vec::new(), roles: vec![Role::Owner], teams: Vec::new() };
    let acme = Access::Only { orgs: vec!["acme".parse().unwrap()], roles: Vec::new(), teams: Vec::new() };
    let ops =
        Access::Only { orgs: vec!["acme".parse().unwrap()], roles: Vec::new(), teams: vec!["Ops Straße".to_owned()] };
    vec![route("/public/", Access::Public), route("/admin/", owners), route("/acme/", acme), route("/ops/", ops)]
}

async fn people(store: &Store) -> (Organization, User) {
    let make = async |tx: Tx| {
        let acme = organization::create(&tx, &SystemRng, &"acme".parse().unwrap(), "Acme", OrgKind::Customer).await?;
        let mut ada = user::create(&tx, &SystemRng, &"ada@acme.example".parse().unwrap())?;
        ada.first_name = Some("Zoë".to_owned());
        user::save(&tx, &ada).await?;
        member::add(&tx, &acme, &ada, Role::Admin, Origin::Hand).await?;
        Ok::<_, DirectoryError>((acme, ada))
    };
    store.transaction("people", make).await.unwrap()
}

/// An address that nobody listens on.
pub fn free_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap()
}

async fn wait_for(address: SocketAddr) {
    for _ in 0..500 {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the gate does not listen on {address}");
}
