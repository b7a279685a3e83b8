//! A peer with a valid certificate that says whatever a test wants.

use std::time::Duration;

use bytes::Bytes;
use s2n_quic::stream::BidirectionalStream;
use s2n_quic::{Client, Connection};
use transport::certs::TlsFiles;
use transport::wire::VERSION;
use transport::wire::control::ControlMessage;
use transport::wire::frame::{FrameFlags, FrameHeader};
use transport::wire::result::FrameResult;

use super::{PATIENCE, outsider};

pub const RAW: &str = "car/raw/00000000-0000-4000-8000-000000000001";

pub async fn connect(files: &TlsFiles, address: std::net::SocketAddr) -> (Client, Connection) {
    let client = outsider::client(files);
    let connection = outsider::connect(&client, address).await.expect("a connection");
    (client, connection)
}

pub fn hello(version: u16) -> Bytes {
    hello_of(version, RAW)
}

fn hello_of(version: u16, identity: &str) -> Bytes {
    ControlMessage::Hello { version, identity: identity.parse().expect("an identity"), process: 1 }.encode().into()
}

pub fn header(payload_bytes: u32) -> FrameHeader {
    use allocation::model_config::{Coding, Payload};
    FrameHeader {
        service: 1,
        seq: 7,
        budget: Duration::from_secs(10),
        model: 0,
        payload: Payload::Input(Coding::Png),
        width: 512,
        height: 512,
        frame_width: 640,
        frame_height: 480,
        payload_bytes,
        sent_ns: 0,
        flags: FrameFlags::default(),
    }
}

/// A connection on which Hello was said and accepted.
pub struct RawCar {
    pub connection: Connection,
    /// What the cloud said on the control stream so far, as it came.
    pub control: Vec<u8>,
    stream: BidirectionalStream,
    _client: Client,
}

impl RawCar {
    /// Joins as the car of this number.
    pub async fn join(files: &TlsFiles, address: std::net::SocketAddr, number: u16) -> Self {
        let identity = format!("car/raw/00000000-0000-4000-8000-{number:012}");
        let (client, mut connection) = connect(files, address).await;
        connection.keep_alive(true).expect("a live connection");
        let mut stream = connection.open_bidirectional_stream().await.expect("a stream");
        stream.send(hello_of(VERSION, &identity)).await.expect("sent");
        let control = stream.receive().await.expect("accepted").expect("a message").to_vec();
        Self { connection, control, stream, _client: client }
    }

    /// Waits for more on the control stream.
    pub async fn more_control(&mut self) {
        let more = self.stream.receive().await.expect("a live connection").expect("more");
        self.control.extend_from_slice(&more);
    }

    /// Says `bytes` on the control stream.
    pub async fn control(&mut self, bytes: Vec<u8>) {
        self.stream.send(bytes.into()).await.expect("sent");
    }

    /// A stream on which `bytes` went up.
    pub async fn say(&mut self, bytes: Vec<u8>) -> BidirectionalStream {
        let open = self.connection.open_bidirectional_stream();
        let mut stream = tokio::time::timeout(PATIENCE, open).await.expect("room for a stream").expect("a stream");
        let sent = tokio::time::timeout(PATIENCE, stream.send(bytes.into())).await;
        sent.expect("room for its bytes").expect("sent");
        stream
    }

    /// The bytes that come back for these, to the stream's end; `None` where the gateway ends it without any.
    pub async fn answer_to(&mut self, bytes: Vec<u8>, finish: bool) -> Option<Vec<u8>> {
        let mut stream = self.say(bytes).await;
        if finish {
            stream.finish().expect("finished");
        }
        whole(&mut stream).await
    }

    /// The result of a frame of these many bytes.
    pub async fn frame(&mut self, header: FrameHeader) -> FrameResult {
        let mut bytes = header.encode().to_vec();
        bytes.extend((0..header.payload_bytes).map(|byte| byte as u8));
        let answer = self.answer_to(bytes, false).await.expect("a result");
        FrameResult::decode(&answer).expect("a result")
    }
}

/// Everything until the stream's end; `None` where it is reset.
pub async fn whole(stream: &mut BidirectionalStream) -> Option<Vec<u8>> {
    let mut answer = vec![];
    loop {
        match tokio::time::timeout(PATIENCE, stream.receive()).await.expect("an end") {
            Ok(Some(chunk)) => answer.extend_from_slice(&chunk),
            Ok(None) => return Some(answer),
            Err(_) => return None,
        }
    }
}

/// A runtime that goes on by itself, so that a raw car acknowledges and keeps alive while its test does something else.
pub struct Driven {
    handle: tokio::runtime::Handle,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Driven {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let handle = runtime.handle().clone();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = std::thread::spawn(move || drop(runtime.block_on(stopped)));
        Self { handle, stop: Some(stop), thread: Some(thread) }
    }

    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.handle.block_on(future)
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(std::thread::JoinHandle::join);
        assert!(std::thread::panicking() || matches!(ended, Some(Ok(()))), "the runtime ends without a panic");
    }
}
