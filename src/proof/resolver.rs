//! Asks DNS for the record of a claim: each server for itself, nothing remembered between two looks.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData};
use hickory_resolver::system_conf::read_system_conf;

use super::{Observation, record};
use crate::directory::{Look, ServerAnswer};
use crate::kernel::DomainName;

/// How many servers are asked at most.
pub const SERVER_LIMIT: usize = 8;
/// How long one server may take for one question, before it is put once more.
pub const PATIENCE: Duration = Duration::from_secs(3);
/// How often a question is put anew that got no answer.
const ATTEMPTS: usize = 1;

/// Asks for TXT records.
#[derive(Clone, Debug)]
pub struct Resolver {
    /// Whom to ask; empty: the system's resolvers, as they are at each look.
    pub servers: Vec<SocketAddr>,
    /// What the record begins with.
    pub prefix: String,
    /// How long a server may take for one question.
    pub patience: Duration,
}

impl Resolver {
    /// Looks for the record with `token` at `domain`, at every server at once.
    pub async fn look(&self, domain: &DomainName, token: &str) -> Look {
        let servers = if self.servers.is_empty() { system() } else { Ok(self.servers.clone()) };
        let answers = match servers {
            Ok(servers) => {
                let asked = servers.into_iter().take(SERVER_LIMIT).map(|server| self.ask(server, domain, token));
                join_all(asked).await
            }
            Err(detail) => vec![ServerAnswer::new("the system's resolvers", Observation::Failed, &detail)],
        };
        Look { answers }
    }

    async fn ask(&self, server: SocketAddr, domain: &DomainName, token: &str) -> ServerAnswer {
        // Whatever happens inside, an answer comes in time: both tries, over UDP and then TCP.
        let longest = self.patience * 4;
        let asked = tokio::time::timeout(longest, self.records(server, domain)).await;
        let (observation, detail) = match asked {
            Err(_) => failed("no answer in time"),
            Ok(Err(error)) => told(&error),
            Ok(Ok(records)) => {
                let strings = records.iter().map(|strings| strings.iter().map(|string| &**string).collect());
                record::judge(&self.prefix, token, strings)
            }
        };
        ServerAnswer::new(server, observation, &detail)
    }

    /// The TXT records of `domain`, each as its strings; aliases are followed.
    async fn records(&self, server: SocketAddr, domain: &DomainName) -> Result<Vec<Box<[Box<[u8]>]>>, NetError> {
        let mut name = Name::from_ascii(domain.as_str())?;
        // So that no search list of the system is tried.
        name.set_fqdn(true);
        let found = self.resolver(server)?.txt_lookup(name).await?;
        let records = found.answers().iter().filter_map(|answer| match &answer.data {
            RData::TXT(text) => Some(text.txt_data.clone()),
            _ => None,
        });
        Ok(records.take(record::RECORD_LIMIT).collect())
    }

    /// A resolver of its own for each look: what the last one learned must not answer this one.
    fn resolver(&self, server: SocketAddr) -> Result<TokioResolver, NetError> {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = server.port();
            connection
        });
        let servers = vec![NameServerConfig::new(server.ip(), true, connections.into())];
        let config = ResolverConfig::from_name_servers(servers);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options = builder.options_mut();
        options.timeout = self.patience;
        options.attempts = ATTEMPTS;
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        // A forged answer has to guess the letter case too.
        options.case_randomization = true;
        builder.build()
    }
}

/// The system's resolvers.
fn system() -> Result<Vec<SocketAddr>, String> {
    let (config, _) = read_system_conf().map_err(|error| format!("can't be read: {error}"))?;
    let mut servers: Vec<SocketAddr> = Vec::new();
    for server in config.name_servers() {
        let port = server.connections.first().map_or(53, |connection| connection.port);
        let address = SocketAddr::new(server.ip, port);
        if !servers.contains(&address) {
            servers.push(address);
        }
    }
    if servers.is_empty() { Err("there are none".to_owned()) } else { Ok(servers) }
}

fn failed(detail: &str) -> (Observation, String) {
    (Observation::Failed, detail.to_owned())
}

/// Gone is what a server knows to be gone: NXDOMAIN, or NOERROR without the record. Everything else is no answer (D8).
fn told(error: &NetError) -> (Observation, String) {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(NoRecords { response_code, soa, ns, .. })) => match response_code {
            ResponseCode::NXDomain => (Observation::Gone, "NXDOMAIN: there is no such domain".to_owned()),
            // A server that only points at others does not know.
            ResponseCode::NoError if soa.is_none() && ns.is_some() => failed("a referral to other servers"),
            ResponseCode::NoError => (Observation::Gone, "no TXT record".to_owned()),
            other => failed(&format!("{other}")),
        },
        NetError::Dns(DnsError::ResponseCode(ResponseCode::ServFail)) => failed("SERVFAIL"),
        NetError::Dns(DnsError::ResponseCode(ResponseCode::Refused)) => failed("REFUSED"),
        NetError::Dns(DnsError::ResponseCode(other)) => failed(&format!("{other}")),
        NetError::Timeout => failed("no answer in time"),
        other => failed(&other.to_string()),
    }
}
