//! A real DNS server on a real UDP and TCP socket, whose answers a test chooses.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::{CNAME, NS, TXT};
use hickory_server::proto::rr::{Name, RData, Record};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use parking_lot::Mutex;
use tokio::net::{TcpListener, UdpSocket};

/// What the server does with questions about a name.
#[derive(Clone, Debug)]
pub enum Zone {
    /// These TXT records, each of one or more strings; none: NOERROR without an answer.
    Txt(Vec<Vec<String>>),
    /// An alias.
    Alias(String),
    /// An error.
    Code(ResponseCode),
    /// A pointer to other servers.
    Referral,
    /// Silence.
    Drop,
}

/// The server; it ends when dropped.
pub struct DnsServer {
    pub address: SocketAddr,
    zones: Arc<Mutex<HashMap<String, Zone>>>,
    asked: Arc<AtomicUsize>,
    _server: Server<Answerer>,
}

struct Answerer {
    zones: Arc<Mutex<HashMap<String, Zone>>>,
    asked: Arc<AtomicUsize>,
}

impl DnsServer {
    /// A server that knows no name.
    pub async fn start() -> Self {
        let (zones, asked) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
        let mut server = Server::new(Answerer { zones: Arc::clone(&zones), asked: Arc::clone(&asked) });
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        server.register_socket(udp);
        server.register_listener(tcp, Duration::from_secs(30), 16);
        DnsServer { address, zones, asked, _server: server }
    }

    /// What is answered about `name` from now on; without a zone it does not exist.
    pub fn set(&self, name: &str, zone: Zone) {
        self.zones.lock().insert(name.to_owned(), zone);
    }

    /// One TXT record, in one string.
    pub fn txt(&self, name: &str, record: &str) {
        self.set(name, Zone::Txt(vec![vec![record.to_owned()]]));
    }

    /// NXDOMAIN from now on.
    pub fn forget(&self, name: &str) {
        self.zones.lock().remove(name);
    }

    /// How many questions came.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl RequestHandler for Answerer {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut answer: R) -> ResponseInfo {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let owner = Name::from(request.request_info().expect("one question").query.name());
        let zone = self.zones.lock().get(owner.to_ascii().trim_end_matches('.')).cloned();
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let record = |data: RData| Record::from_rdata(owner.clone(), 3600, data);
        let (mut answers, mut authorities) = (Vec::new(), Vec::new());
        match zone {
            None => metadata.response_code = ResponseCode::NXDomain,
            Some(Zone::Code(code)) => metadata.response_code = code,
            Some(Zone::Txt(records)) => {
                answers.extend(records.into_iter().map(|strings| record(RData::TXT(TXT::new(strings)))));
            }
            Some(Zone::Alias(to)) => answers.push(record(RData::CNAME(CNAME(to.parse().unwrap())))),
            Some(Zone::Referral) => authorities.push(record(RData::NS(NS("ns.elsewhere.test.".parse().unwrap())))),
            Some(Zone::Drop) => return Header { metadata, counts: HeaderCounts::default() }.into(),
        }
        let response =
            MessageResponseBuilder::from_message_request(request).build(metadata, &answers, &authorities, [], []);
        answer.send_response(response).await.expect("an answer is sent")
    }
}
