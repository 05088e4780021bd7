//! The demo: the real server over a throw-away store, with two companies, their identity provider, and an app to protect.

use std::fs::{self, DirBuilder};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;

use super::{App, ServerError, stop_on_signals};
use crate::administration;
use crate::administration::api::{Apply, FileBytes, SsoOptions, SsoSource, WantedOrganization};
use crate::config::Config;
use crate::demo::{Company, DemoIdentityProvider, companies, sample_app};
use crate::directory::OrgKind;
use crate::kernel::{Clock, Fault, Rng, Slug, SystemClock, SystemRng};
use crate::store::{SledBackend, Store};

/// Where the identity provider is looked for a port: another site than the app, as in life.
const IDENTITY_PROVIDER_PORT: u16 = 8090;
/// Where the side port is.
const SCIM_PORT: u16 = 8081;
/// Where the ops listener is.
const OPS_PORT: u16 = 8082;
/// How many ports are tried, from the wished one on.
const PORTS_TRIED: u16 = 100;

/// Where everything is, for whoever reads the demo's screen.
#[derive(Clone, Debug)]
pub struct Places {
    /// What to open in a browser.
    pub public_url: String,
    /// The identity provider.
    pub identity_provider: String,
    /// The ops listener.
    pub ops: String,
    /// The configuration that the demo runs with: what `--config` takes.
    pub config: PathBuf,
    /// Ports that were wished for and taken.
    pub taken: Vec<u16>,
    /// The companies and their people.
    pub companies: Vec<Company>,
}

/// Everything that the demo is made of, built, with its ports open.
pub struct Demo {
    app: App,
    further: Vec<(TcpListener, Router)>,
    places: Places,
    folder: Folder,
}

/// How often the folder's removal is tried.
const REMOVE_TRIES: u32 = 60;
/// How long between two tries.
const REMOVE_PAUSE: Duration = Duration::from_millis(50);

/// A folder that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(rng: &dyn Rng) -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("vestibule-demo-{}", rng.token::<9>()));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for _ in 0..REMOVE_TRIES {
            match fs::remove_dir_all(&self.0) {
                Ok(()) => return,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return,
                // The store's own threads may still be writing their last.
                Err(_) => std::thread::sleep(REMOVE_PAUSE),
            }
        }
        tracing::warn!(path = %self.0.display(), "the demo's folder can't be removed");
    }
}

impl Demo {
    /// Builds the demo with the app at `port` of localhost, or the next free one.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn open(port: u16) -> Result<Self, ServerError> {
        let (clock, rng): (Arc<dyn Clock>, Arc<dyn Rng>) = (Arc::new(SystemClock), Arc::new(SystemRng));
        let mut taken = Vec::new();
        let mut open = |wished| free_port(wished, &mut taken);
        let (proxy, ops, identity_provider) = (open(port)?, open(OPS_PORT)?, open(IDENTITY_PROVIDER_PORT)?);
        let app_listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut elsewhere = Vec::new();
        let scim = free_port(SCIM_PORT, &mut elsewhere)?;
        let port_of = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
        let public_url = format!("http://localhost:{}", port_of(&proxy)?);
        let idp_url = format!("http://127.0.0.1:{}", port_of(&identity_provider)?);
        let ops_url = format!("http://127.0.0.1:{}", port_of(&ops)?);
        let folder = Folder::new(&*rng)?;
        let text = configuration(port_of(&proxy)?, port_of(&scim)?, port_of(&ops)?, port_of(&app_listener)?);
        // The server opens these itself.
        drop((proxy, scim, ops));
        let file = folder.0.join("vestibule.toml");
        fs::write(&file, &text)?;
        let config = Config::parse(&text, &folder.0, clock.now());
        let (config, _) =
            config.map_err(|mistakes| ServerError::Gate(format!("the demo's configuration: {mistakes:?}")))?;
        // Keys take a moment each: the identity provider's are made beside the rest.
        let making = {
            let (idp_url, public_url, clock, rng) =
                (idp_url.clone(), public_url.clone(), Arc::clone(&clock), Arc::clone(&rng));
            std::thread::spawn(move || DemoIdentityProvider::new(&idp_url, &public_url, companies(), clock, rng))
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let app = runtime.block_on(build(config, Arc::clone(&clock), Arc::clone(&rng)))?;
        let provider = making.join().map_err(|_| ServerError::Gate("the identity provider's keys".to_owned()))?;
        let provider = Arc::new(provider?);
        runtime.block_on(seed(&app, &provider)).map_err(|fault| ServerError::Gate(fault.detail))?;
        let sample = sample_app(&public_url, "app", clock);
        for listener in [&app_listener, &identity_provider] {
            listener.set_nonblocking(true)?;
        }
        let further = vec![(app_listener, sample), (identity_provider, provider.router())];
        let places = Places {
            public_url,
            identity_provider: idp_url,
            ops: ops_url,
            config: file,
            taken,
            companies: companies(),
        };
        Ok(Demo { app, further, places, folder })
    }

    /// Where everything is.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Runs until a signal says stop, calls `ready` once all listens, and removes every trace at the end.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn run(self, ready: impl FnOnce() + Send + 'static) -> Result<(), ServerError> {
        let Demo { app, further, places: _, folder } = self;
        let ran = app.run(stop_on_signals(), further, ready);
        drop(folder);
        ran
    }
}

/// A listener at the wished port of loopback, or at the next free one.
fn free_port(wished: u16, taken: &mut Vec<u16>) -> Result<TcpListener, ServerError> {
    let mut last = None;
    for port in wished..wished.saturating_add(PORTS_TRIED) {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(listener) => return Ok(listener),
            Err(error) if port == wished && error.kind() == io::ErrorKind::AddrInUse => taken.push(port),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::from(io::ErrorKind::AddrInUse)).into())
}

fn configuration(proxy: u16, scim: u16, ops: u16, app: u16) -> String {
    format!(
        r#"# Made by `vestibule demo`; gone when it ends.
public_url = "http://localhost:{proxy}"

[listen]
proxy = "127.0.0.1:{proxy}"
scim = "127.0.0.1:{scim}"
ops = "127.0.0.1:{ops}"

[[upstream]]
name = "app"
addresses = ["127.0.0.1:{app}"]

[[route]]
path = "/public/"
access = "public"

[[route]]
path = "/owners/"
access = {{ roles = ["owner"] }}
"#
    )
}

async fn build(config: Config, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Result<App, ServerError> {
    let store = Store::open(SledBackend::open(&config.store)?, Arc::clone(&clock)).await?;
    App::build(config, store, clock, rng).await
}

/// Fills the store by way of `apply`, as an operator would.
async fn seed(app: &App, provider: &DemoIdentityProvider) -> Result<(), Fault> {
    let wrong = |error: &dyn std::fmt::Display| Fault::internal(format!("the demo's companies: {error}"));
    let mut organizations = Vec::new();
    for company in companies() {
        let slug: Slug = company.slug.parse().map_err(|error| wrong(&error))?;
        let metadata = provider.metadata(&slug).ok_or_else(|| wrong(&"no metadata"))?;
        let mut members = Vec::new();
        for person in &company.people {
            members.push((person.email.parse().map_err(|error| wrong(&error))?, person.role));
        }
        organizations.push(WantedOrganization {
            slug,
            name: Some(company.name.to_owned()),
            kind: OrgKind::Customer,
            settings: vec![("idp_managed_access".to_owned(), "true".to_owned())],
            domains: vec![company.domain.parse().map_err(|error| wrong(&error))?],
            sso: Some((SsoSource::Metadata(FileBytes(metadata.into_bytes())), SsoOptions::default())),
            members,
            domains_by_dns: Vec::new(),
            admin: None,
            teams: Vec::new(),
        });
    }
    let call = Apply { organizations, prune: false, dry_run: false };
    administration::apply(Arc::clone(&app.admin), call).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::kernel::Timestamp;

    #[test]
    fn the_demos_configuration_is_right() {
        let (config, warnings) = Config::parse(&configuration(8080, 8081, 8082, 3000), Path::new(""), Timestamp::EPOCH)
            .expect("it is right");
        assert_eq!((config.routes.len(), warnings.len()), (2, 0));
    }
}
