//! A peer with a valid certificate and no manners: whatever it sends, it harms only itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod harness;

use std::time::Duration;

use bytes::Bytes;
use harness::{CarSide, CloudSide, IDENTITY, PATIENCE, echo, localhost, pki};
use s2n_quic::client::Connect;
use s2n_quic::provider::tls::default as tls;
use s2n_quic::{Client, Connection};
use transport::car::ReplyStatus;
use transport::certs::{CLOUD_NAME, TlsFiles};
use transport::gateway::{GatewayEvent, GatewayLimits};
use transport::wire::control::ControlMessage;
use transport::wire::frame::FrameHeader;
use transport::wire::{ALPN, VERSION};

const RAW: &str = "car/raw/00000000-0000-4000-8000-000000000001";

async fn connect(files: &TlsFiles, address: std::net::SocketAddr) -> (Client, Connection) {
    let tls = tls::Client::builder()
        .with_empty_trust_store()
        .and_then(|builder| builder.with_certificate(files.ca.as_path()))
        .and_then(|builder| builder.with_client_identity(files.certificate.as_path(), files.key.as_path()))
        .and_then(|builder| builder.with_application_protocols([ALPN]))
        .and_then(tls::client::Builder::build)
        .expect("certificates");
    let client = Client::builder()
        .with_tls(tls)
        .expect("TLS")
        .with_io("127.0.0.1:0")
        .expect("a socket")
        .start()
        .expect("a client");
    let connection = client.connect(Connect::new(address).with_server_name(CLOUD_NAME)).await.expect("a connection");
    (client, connection)
}

fn hello(version: u16) -> Bytes {
    ControlMessage::Hello { version, identity: RAW.parse().expect("an identity"), process: 1 }.encode().into()
}

fn header(payload_bytes: u32) -> FrameHeader {
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
    }
}

/// What the cloud answers to these first bytes, until it closes.
async fn first_words(files: &TlsFiles, address: std::net::SocketAddr, words: Bytes) -> Vec<u8> {
    let (_client, mut connection) = connect(files, address).await;
    let mut stream = connection.open_bidirectional_stream().await.expect("a stream");
    stream.send(words).await.expect("sent");
    let mut answer = vec![];
    while let Ok(Some(chunk)) = stream.receive().await {
        answer.extend_from_slice(&chunk);
    }
    answer
}

#[test]
fn garbage_is_refused_with_reasons_and_a_well_behaved_car_notices_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let limits = GatewayLimits { header_time: Duration::from_millis(300), ..GatewayLimits::default() };
    let mut cloud = CloudSide::start(pki.cloud(), localhost(), limits, echo);
    let address = cloud.address;
    let mut car = CarSide::start(pki.car(), address, IDENTITY, 1);
    car.wait_connected(true);
    let mut seq = 0;
    let mut car_is_served = |car: &mut CarSide| {
        seq += 1;
        car.send(0, seq, 0, 20_000, Duration::from_secs(20));
        assert_eq!(car.reply(0).status, ReplyStatus::Ok);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let files = pki.car();

    // Instead of Hello: noise, a length beyond the limit, another message, another version.
    let other_message: Bytes = ControlMessage::Refused { reason: "you".into() }.encode().into();
    for (words, expected) in [
        (Bytes::from_static(&[0x01, 0, 0, 0, 0xff]), "not Hello"),
        (Bytes::from_static(&[0xff; 64]), "not Hello"),
        (other_message, "not Hello"),
        (hello(VERSION + 1), "version 2"),
    ] {
        let answer = runtime.block_on(async {
            tokio::time::timeout(PATIENCE, first_words(&files, address, words)).await.expect("an answer")
        });
        let message = transport::wire::control::decode(answer.get(4..).unwrap_or_default());
        let Ok(ControlMessage::Refused { reason }) = message else { panic!("{message:?} where a refusal was due") };
        assert!(reason.contains(expected), "{reason}");
        cloud.wait_event(|event| matches!(event, GatewayEvent::Refused { reason, .. } if reason.contains(expected)));
        car_is_served(&mut car);
    }

    // Silence instead of Hello.
    runtime.block_on(async {
        let (_client, mut connection) = connect(&files, address).await;
        let ended = tokio::time::timeout(PATIENCE, connection.accept()).await.expect("an end");
        assert!(ended.is_err() || ended.is_ok_and(|stream| stream.is_none()));
    });
    cloud.wait_event(|event| matches!(event, GatewayEvent::Refused { reason, .. } if reason.contains("no Hello")));
    car_is_served(&mut car);

    // After a proper Hello: streams of garbage, none of which gets an answer.
    let (_client, connection) = runtime.block_on(async {
        let (client, mut connection) = connect(&files, address).await;
        connection.keep_alive(true).expect("a live connection");
        let mut control = connection.open_bidirectional_stream().await.expect("a stream");
        control.send(hello(VERSION)).await.expect("sent");
        control.receive().await.expect("accepted").expect("a message");
        let lying = {
            let mut bytes = header(100).encode().to_vec();
            bytes.extend([0; 150]);
            bytes
        };
        let short = {
            let mut bytes = header(100).encode().to_vec();
            bytes.extend([0; 50]);
            bytes
        };
        let mut backwards = header(100).encode().to_vec();
        backwards.truncate(20);
        let cases: [(Vec<u8>, bool); 6] = [
            (vec![0xff; 400], false),
            (vec![0; 2], false),
            (lying, false),
            (short, true),
            (backwards, true),
            (header(100).encode()[..10].to_vec(), false),
        ];
        for (bytes, finish) in cases {
            let mut stream = connection.open_bidirectional_stream().await.expect("a stream");
            stream.send(bytes.into()).await.expect("sent");
            if finish {
                stream.finish().expect("finished");
            }
            let answer = tokio::time::timeout(PATIENCE, stream.receive()).await.expect("an end");
            assert!(!matches!(answer, Ok(Some(_))), "no result for garbage");
        }
        // A flood of resets.
        for _ in 0..300 {
            let mut stream = connection.open_bidirectional_stream().await.expect("a stream");
            stream.send(Bytes::copy_from_slice(&header(5_000).encode())).await.expect("sent");
            stream.reset(1_u32.into()).expect("reset");
        }
        // And the same connection may still send a proper frame.
        let mut stream = connection.open_bidirectional_stream().await.expect("a stream");
        let mut frame = header(3).encode().to_vec();
        frame.extend([5, 6, 7]);
        stream.send(frame.into()).await.expect("sent");
        let mut answer = vec![];
        while let Some(chunk) = stream.receive().await.expect("an answer") {
            answer.extend_from_slice(&chunk);
        }
        let result = transport::wire::result::FrameResult::decode(&answer).expect("a result");
        assert_eq!((result.seq, result.detections.len()), (7, 1));
        drop(control);
        (client, connection)
    });
    car_is_served(&mut car);
    drop(connection);
    runtime.block_on(async { tokio::time::sleep(Duration::from_millis(1)).await });
    cloud.wait_event(|event| matches!(event, GatewayEvent::Left { car } if &**car == RAW));
    car_is_served(&mut car);
    cloud.end();
}
