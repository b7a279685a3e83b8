//! One car as the gateway sees it, with nothing of the car's own endpoint: what one would otherwise use.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use allocation::model_config::{Coding, Payload};
use bytes::Bytes;
use s2n_quic::Client;
use s2n_quic::client::Connect;
use s2n_quic::connection::Handle;
use s2n_quic::provider::{limits, tls::default as tls};
use s2n_quic::stream::SendStream;
use transport::certs::{CLOUD_NAME, TlsFiles};
use transport::wire::control::{ControlMessage, decode};
use transport::wire::frame::{FrameFlags, FrameHeader};
use transport::wire::result::{FrameResult, Status};
use transport::wire::{ALPN, IDLE, VERSION};

use super::fleet::Tally;
use crate::error::{BenchError, Result};

/// As a car's.
const KEEP_ALIVE: Duration = Duration::from_millis(500);
/// The number of each car's only service.
const SERVICE: u16 = 1;

/// What all cars show and trust.
#[derive(Clone)]
pub(crate) struct Credentials(Rc<TlsFiles>);

impl Credentials {
    pub(crate) fn load(files: &TlsFiles) -> Self {
        Self(Rc::new(files.clone()))
    }

    fn client(&self) -> Result<Client> {
        let files = &*self.0;
        let tls = tls::Client::builder()
            .with_empty_trust_store()
            .and_then(|builder| builder.with_certificate(files.ca.as_path()))
            .and_then(|builder| builder.with_client_identity(files.certificate.as_path(), files.key.as_path()))
            .and_then(|builder| builder.with_application_protocols([ALPN]))
            .and_then(tls::client::Builder::build)
            .map_err(BenchError::library("the cars' certificates"))?;
        let limits = limits::Limits::new()
            .with_max_idle_timeout(IDLE)
            .and_then(|limits| limits.with_max_keep_alive_period(KEEP_ALIVE))
            .map_err(BenchError::library("limits"))?;
        let builder = Client::builder().with_tls(tls).map_err(BenchError::library("TLS"))?;
        let builder = builder.with_limits(limits).map_err(BenchError::library("limits"))?;
        let io = (Ipv4Addr::UNSPECIFIED, 0);
        let builder = builder.with_io(SocketAddr::from(io)).map_err(BenchError::library("a car's socket"))?;
        builder.start().map_err(BenchError::library("a car's endpoint"))
    }
}

/// A car that was let in.
pub(crate) struct Car {
    handle: Handle,
    seq: u64,
    /// Dropping it would finish the control stream.
    _control: SendStream,
    _client: Client,
}

impl Car {
    /// Connects, says Hello, and hears menus from then on; a connection that ends is counted.
    pub(crate) async fn join(
        credentials: Credentials,
        server: SocketAddr,
        number: usize,
        tally: Rc<RefCell<Tally>>,
    ) -> Result<Self> {
        let client = credentials.client()?;
        let connect = Connect::new(server).with_server_name(CLOUD_NAME);
        let mut connection = client.connect(connect).await.map_err(BenchError::library("connecting"))?;
        connection.keep_alive(true).map_err(BenchError::library("keeping alive"))?;
        let (mut handle, _) = connection.split();
        let stream = handle.open_bidirectional_stream().await.map_err(BenchError::library("the control stream"))?;
        let (mut receive, mut control) = stream.split();
        let identity = format!("car/bench/00000000-0000-4000-8000-{number:012x}");
        let identity = identity.parse().map_err(BenchError::library("an identity"))?;
        let hello = ControlMessage::Hello { version: VERSION, identity, process: number as u64 };
        control.send(hello.encode().into()).await.map_err(BenchError::library("saying Hello"))?;
        let mut answer = Vec::new();
        while first_message(&answer).is_none() {
            let chunk = receive.receive().await.map_err(BenchError::library("hearing the answer to Hello"))?;
            let chunk = chunk.ok_or_else(|| BenchError::Closed("the control stream".to_owned()))?;
            answer.extend_from_slice(&chunk);
        }
        match first_message(&answer).map(decode) {
            Some(Ok(ControlMessage::Accepted { .. })) => {}
            other => return Err(BenchError::Violated(format!("the answer to Hello was {other:?}"))),
        }
        let ended = handle.clone();
        tokio::task::spawn_local(async move {
            while let Ok(Some(_)) = receive.receive().await {}
            // A car that closes has dropped its tally's turn already.
            drop(ended);
            tally.borrow_mut().links_lost += 1;
        });
        Ok(Self { handle, seq: 0, _control: control, _client: client })
    }

    pub(crate) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    pub(crate) fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    pub(crate) fn close(&self) {
        self.handle.close(transport::wire::code::DONE.into());
    }
}

/// The body of the first control message, once it is whole.
fn first_message(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.get(..usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

/// How a frame was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Detections,
    GivenUp,
    Wrong,
}

/// A frame to be sent.
pub(crate) struct Frame {
    pub(crate) seq: u64,
    pub(crate) bytes: Bytes,
    /// What is left of its time.
    pub(crate) budget: Duration,
}

/// Sends a frame on a stream of its own and reads its result.
pub(crate) async fn send_frame(mut handle: Handle, frame: Frame) -> Result<Answer> {
    let Frame { seq, bytes, budget } = frame;
    let header = FrameHeader {
        service: SERVICE,
        seq,
        budget,
        model: 0,
        payload: Payload::Input(Coding::Jpeg(50)),
        width: 512,
        height: 512,
        frame_width: 1_280,
        frame_height: 720,
        payload_bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        sent_ns: rt_core::clock::Monotonic::now().as_ns(),
        flags: FrameFlags::default(),
    };
    let stream = handle.open_bidirectional_stream().await.map_err(BenchError::library("a frame's stream"))?;
    let (mut receive, mut send) = stream.split();
    let mut frame = [Bytes::from(header.encode().to_vec()), bytes];
    send.send_vectored(&mut frame).await.map_err(BenchError::library("sending a frame"))?;
    send.finish().map_err(BenchError::library("finishing a frame"))?;
    let mut answer = Vec::new();
    while let Some(chunk) = receive.receive().await.map_err(BenchError::library("a frame's result"))? {
        answer.extend_from_slice(&chunk);
    }
    let result = FrameResult::decode(&answer).map_err(BenchError::library("a frame's result"))?;
    Ok(match result.status {
        Status::Ok => Answer::Detections,
        Status::Expired | Status::Superseded => Answer::GivenUp,
        Status::Overload | Status::Error => Answer::Wrong,
    })
}
