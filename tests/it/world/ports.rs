//! Free ports, and waiting until somebody listens.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

/// How long a server may take to listen: a loaded machine is slow, a broken one never gets there.
const PATIENCE: Duration = Duration::from_secs(60);

/// A loopback address that nobody listened at a moment ago.
pub fn free() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address")
}

/// Waits until somebody listens at `address`; `dead` tells that nobody ever will.
pub async fn wait_for(address: SocketAddr, mut dead: impl FnMut() -> Option<String>) {
    let start = Instant::now();
    loop {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return;
        }
        if let Some(reason) = dead() {
            panic!("nobody will listen at {address}: {reason}");
        }
        assert!(start.elapsed() < PATIENCE, "nobody listens at {address}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
