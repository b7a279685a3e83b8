//! A QUIC client without a car's manners: it says what it is told to, with any certificate.

use std::net::SocketAddr;

use bytes::Bytes;
use s2n_quic::client::Connect;
use s2n_quic::provider::tls::default as tls;
use s2n_quic::stream::BidirectionalStream;
use s2n_quic::{Client, Connection};
use transport::certs::{CLOUD_NAME, TlsFiles};
use transport::wire::control::{ControlMessage, decode};
use transport::wire::{ALPN, VERSION};

use super::PATIENCE;

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// What a client shows and trusts, straight from the files.
pub fn credentials(files: &TlsFiles) -> tls::Client {
    tls::Client::builder()
        .with_empty_trust_store()
        .and_then(|builder| builder.with_certificate(files.ca.as_path()))
        .and_then(|builder| builder.with_client_identity(files.certificate.as_path(), files.key.as_path()))
        .and_then(|builder| builder.with_application_protocols([ALPN]))
        .and_then(tls::client::Builder::build)
        .expect("certificates")
}

/// A client endpoint on a fresh socket; needs a runtime around it.
pub fn client(files: &TlsFiles) -> Client {
    Client::builder()
        .with_tls(credentials(files))
        .expect("TLS")
        .with_io("127.0.0.1:0")
        .expect("a socket")
        .start()
        .expect("a client")
}

pub async fn connect(client: &Client, address: SocketAddr) -> Result<Connection, s2n_quic::connection::Error> {
    client.connect(Connect::new(address).with_server_name(CLOUD_NAME)).await
}

/// Opens the control stream with Hello; the cloud's answer, or `None` where the connection ends before it.
pub async fn hello(connection: &mut Connection, identity: &str) -> Option<(ControlMessage, BidirectionalStream)> {
    let said = ControlMessage::Hello { version: VERSION, identity: identity.parse().expect("an identity"), process: 1 };
    let mut stream = connection.open_bidirectional_stream().await.ok()?;
    stream.send(Bytes::from(said.encode())).await.ok()?;
    let mut answer = vec![];
    loop {
        if let Some((length, body)) = answer.split_first_chunk::<4>()
            && let Some(body) = body.get(..u32::from_le_bytes(*length) as usize)
        {
            return Some((decode(body).expect("a message"), stream));
        }
        let chunk = tokio::time::timeout(PATIENCE, stream.receive()).await.expect("an answer or an end").ok()??;
        answer.extend_from_slice(&chunk);
    }
}
