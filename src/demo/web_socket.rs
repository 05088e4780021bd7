//! A WebSocket that sends back what it gets (RFC 6455): for trying that connections pass, and end, as they must.

use std::io;
use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The largest frame that is sent back, in bytes.
const FRAME_LIMIT: usize = 64 * 1024;
/// How long a connection may say nothing.
const IDLE_LIMIT: Duration = Duration::from_secs(600);
/// What the handshake's key is hashed with (RFC 6455 §1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
/// The close code for a frame that is too long (RFC 6455 §7.4.1).
const TOO_BIG: u16 = 1009;

/// Answers the handshake, then echoes until either side closes.
pub(super) async fn echo(mut request: Request) -> Response {
    let Some(accept) = accept_key(request.headers()) else {
        return (StatusCode::BAD_REQUEST, "a WebSocket handshake is wanted here").into_response();
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(connection) = upgrade.await {
            // However it ends, the app has nothing more to do.
            let _ = serve(&mut TokioIo::new(connection)).await;
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// The answer to the handshake (RFC 6455 §4.2.2), if it is one.
fn accept_key(headers: &HeaderMap) -> Option<HeaderValue> {
    let is = |name, wanted: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| value.eq_ignore_ascii_case(wanted))
    };
    if !is(header::UPGRADE, "websocket") || !is(header::SEC_WEBSOCKET_VERSION, "13") {
        return None;
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?.to_str().ok()?;
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{GUID}").as_bytes());
    HeaderValue::from_str(&BASE64.encode(hash)).ok()
}

async fn serve(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    loop {
        let frame = tokio::time::timeout(IDLE_LIMIT, read_frame(stream)).await??;
        let Some((first, payload)) = frame else {
            return write_frame(stream, 0x80 | CLOSE, &TOO_BIG.to_be_bytes()).await;
        };
        match first & 0x0f {
            CLOSE => return write_frame(stream, 0x80 | CLOSE, &payload).await,
            PING => write_frame(stream, 0x80 | PONG, &payload).await?,
            PONG => {}
            _ => write_frame(stream, first, &payload).await?,
        }
    }
}

/// One frame: its first byte and its unmasked content. `None` if it is too long (RFC 6455 §5.2).
async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<(u8, Vec<u8>)>> {
    let [first, second] = [stream.read_u8().await?, stream.read_u8().await?];
    if second & 0x80 == 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame without mask"));
    }
    let length = match second & 0x7f {
        126 => u64::from(stream.read_u16().await?),
        127 => stream.read_u64().await?,
        short => u64::from(short),
    };
    let Some(length) = usize::try_from(length).ok().filter(|length| *length <= FRAME_LIMIT) else {
        return Ok(None);
    };
    let mut mask = [0; 4];
    stream.read_exact(&mut mask).await?;
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await?;
    for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
    Ok(Some((first, payload)))
}

async fn write_frame(stream: &mut (impl AsyncWrite + Unpin), first: u8, payload: &[u8]) -> io::Result<()> {
    let mut frame = vec![first];
    match u16::try_from(payload.len()) {
        Ok(short) if short < 126 => frame.push(short.to_be_bytes()[1]),
        Ok(medium) => {
            frame.push(126);
            frame.extend(medium.to_be_bytes());
        }
        Err(_) => {
            frame.push(127);
            frame.extend(u64::try_from(payload.len()).unwrap_or(u64::MAX).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    stream.write_all(&frame).await?;
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client's frame, masked.
    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            short if short < 126 => frame.push(0x80 | u8::try_from(short).expect("short")),
            long => {
                frame.push(0x80 | 127);
                frame.extend(u64::try_from(long).expect("a length").to_be_bytes());
            }
        }
        frame.extend([1, 2, 3, 4]);
        frame.extend(payload.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(byte, key)| byte ^ key));
        frame
    }

    async fn answer(frames: &[Vec<u8>]) -> Vec<u8> {
        let (mut client, mut server) = tokio::io::duplex(1 << 20);
        client.write_all(&frames.concat()).await.expect("written");
        client.shutdown().await.expect("ended");
        let _ = serve(&mut server).await;
        drop(server);
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.expect("read");
        all
    }

    #[tokio::test]
    async fn frames_come_back_and_control_frames_are_answered() {
        assert_eq!(answer(&[masked(0x81, b"hello")]).await, b"\x81\x05hello");
        assert_eq!(answer(&[masked(0x89, b"p")]).await, b"\x8a\x01p");
        assert_eq!(answer(&[masked(0x88, &[3, 232]), masked(0x81, b"late")]).await, b"\x88\x02\x03\xe8");
        let long = vec![b'a'; 70_000];
        assert_eq!(answer(&[masked(0x82, &long)]).await, b"\x88\x02\x03\xf1", "too long");
        let fits = vec![b'a'; 60_000];
        assert_eq!(answer(&[masked(0x82, &fits)]).await.len(), 60_004);
        assert_eq!(answer(&[b"\x81\x01a".to_vec()]).await, b"", "without mask");
    }

    #[test]
    fn a_handshake_is_answered_as_the_rfc_shows() {
        let mut headers = HeaderMap::new();
        assert_eq!(accept_key(&headers), None);
        for (name, value) in [
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        assert_eq!(accept_key(&headers), Some(HeaderValue::from_static("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
    }
}
