//! A car with a valid certificate that sends datagrams no car would: they are refused, nothing of them stays, and a
//! well-behaved car is served all the while.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod harness;

use std::time::Duration;

use bytes::Bytes;
use harness::raw::RAW;
use harness::{CarSide, CloudSide, IDENTITY, echo, localhost, outsider, pki};
use s2n_quic::provider::datagram::default::{Endpoint, Sender};
use s2n_quic::{Client, Connection};
use transport::car::ReplyStatus;
use transport::carrier::{Carrier, CarrierChoice};
use transport::certs::TlsFiles;
use transport::gateway::{GatewayEvent, GatewayLimits};
use transport::wire::VERSION;
use transport::wire::control::ControlMessage;
use transport::wire::datagram::{Message, Progress, Reception, ShardHeader};
use transport::wire::layout::ShardLayout;

async fn connect(files: &TlsFiles, address: std::net::SocketAddr) -> (Client, Connection) {
    let datagrams = Endpoint::builder()
        .with_send_capacity(4_096)
        .and_then(|builder| builder.with_recv_capacity(1))
        .map(|builder| builder.build().expect("an endpoint"))
        .expect("capacities");
    let client = Client::builder()
        .with_tls(outsider::credentials(files))
        .expect("TLS")
        .with_io("127.0.0.1:0")
        .expect("a socket")
        .with_datagram(datagrams)
        .expect("datagrams")
        .start()
        .expect("a client");
    let connection = outsider::connect(&client, address).await.expect("a connection");
    (client, connection)
}

/// Shards of frames that are never finished, that change, that hold no frame header; noise; what only the cloud says.
fn hostile() -> Vec<Vec<u8>> {
    let shard = |frame, index, layout: ShardLayout, byte: u8| {
        let header = ShardHeader { frame, index, layout, budget: Duration::from_secs(1) };
        [header.encode().to_vec(), vec![byte; layout.carried_bytes(index)]].concat()
    };
    let (long, other, one) = (
        ShardLayout::cut(500_000, 1_000, 9).expect("a layout"),
        ShardLayout::cut(500_000, 1_000, 8).expect("a layout"),
        ShardLayout::cut(900, 1_000, 1).expect("a layout"),
    );
    let mut datagrams: Vec<Vec<u8>> = (0..300).map(|frame| shard(frame, 0, long, 0)).collect();
    datagrams.push(shard(0, 1, other, 0));
    datagrams.push(shard(1_000, 0, one, 0xff));
    datagrams.push(Message::abandon(1).as_ref().to_vec());
    datagrams.push(Progress::last(1, Reception::Whole).encode().as_ref().to_vec());
    datagrams.extend((0..200_u8).map(|byte| vec![byte; usize::from(byte) * 5 + 1]));
    datagrams
}

#[test]
fn hostile_datagrams_are_refused_and_a_well_behaved_car_notices_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let mut cloud = CloudSide::start(pki.cloud(), localhost(), GatewayLimits::default(), echo);
    let address = cloud.address;
    let mut car = CarSide::start_on(CarrierChoice::Pinned(Carrier::Datagram), pki.car(), address, IDENTITY, 1);
    car.wait_connected(true);
    let files = pki.car();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (_client, connection, control) = runtime.block_on(async {
        let (client, mut connection) = connect(&files, address).await;
        connection.keep_alive(true).expect("a live connection");
        let mut control = connection.open_bidirectional_stream().await.expect("a stream");
        let hello = ControlMessage::Hello { version: VERSION, identity: RAW.parse().expect("an identity"), process: 1 };
        control.send(hello.encode().into()).await.expect("sent");
        control.receive().await.expect("accepted").expect("a message");
        for datagram in hostile() {
            let sent = connection.datagram_mut(|sender: &mut Sender| sender.send_datagram(Bytes::from(datagram)));
            sent.expect("a sender").expect("room");
        }
        (client, connection, control)
    });
    for seq in 0..5 {
        car.send(0, seq, 0, 50_000, Duration::from_secs(20));
        // The other connection sends while its runtime runs.
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
        assert_eq!(car.reply(0).status, ReplyStatus::Ok);
    }
    for expected in ["frame header", "progress report", "datagram kind"] {
        cloud.wait_event(|event| matches!(event, GatewayEvent::Refused { reason, .. } if reason.contains(expected)));
    }
    drop((connection, control));
    runtime.block_on(async { tokio::time::sleep(Duration::from_millis(1)).await });
    cloud.wait_event(|event| matches!(event, GatewayEvent::Left { car } if &**car == RAW));
    car.send(0, 9, 0, 50_000, Duration::from_secs(20));
    assert_eq!(car.reply(0).status, ReplyStatus::Ok);
    cloud.end();
}
