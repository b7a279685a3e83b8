//! What really crosses between the endpoints, recorded as it came off the streams and decoded by Python.

use std::time::Duration;

use s2n_quic::Server;
use s2n_quic::provider::tls::default as tls;
use serde_json::Value;
use transport::car::ReplyStatus;
use transport::certs::TlsFiles;
use transport::gateway::GatewayLimits;
use transport::wire::ALPN;
use transport::wire::frame::{FrameFlags, FrameHeader};

use super::harness::raw::{Driven, RawCar, header};
use super::harness::{CarSide, CloudSide, IDENTITY, PATIENCE, echo, localhost, pki};
use super::python::Python;
use super::vectors::{text, vectors};
use super::view::from_hex;

#[test]
fn what_a_gateway_writes_is_read_by_python() {
    let Some(mut python) = Python::start() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let cloud = CloudSide::start(pki.cloud(), localhost(), GatewayLimits::default(), echo);
    let runtime = Driven::start();
    let mut raw = runtime.block_on(RawCar::join(&pki.car(), cloud.address, 1));
    let sent_ns = u64::MAX - 5;
    let mut frame = FrameHeader { seq: 3, sent_ns, ..header(200) }.encode().to_vec();
    frame.extend([9; 200]);
    assert_eq!(python.ask("frame-stream", &frame).expect("a frame")["seq"], 3);
    let result = runtime.block_on(raw.answer_to(frame, false)).expect("a result");
    let result = python.ask("result", &result).expect("a result");
    assert_eq!((&result["status"], &result["seq"]), (&Value::from("ok"), &Value::from(3)));
    assert_eq!(result["car_sent_ns"], sent_ns);
    assert_eq!(result["boxes"][0]["x_max"], 200.0);
    let stamps =
        ["header_received_ns", "last_received_ns", "result_sent_ns"].map(|key| result[key].as_u64().expect(key));
    assert!(stamps.is_sorted() && stamps[0] > 0, "{stamps:?}");
    // Accepted, and the menu that follows within a second or so.
    let control = runtime.block_on(async {
        while python.ask("control-stream", &raw.control).map_or(0, |all| all.as_array().map_or(0, Vec::len)) < 2 {
            tokio::time::timeout(PATIENCE, raw.more_control()).await.expect("a menu");
        }
        python.ask("control-stream", &raw.control).expect("messages")
    });
    let types: Vec<&str> = control.as_array().expect("a list").iter().map(|message| text(message, "type")).collect();
    assert_eq!(types, ["accepted", "menu"]);
    assert_eq!(control[0]["models"][1]["name"], "edd2");
    drop(raw);
    cloud.end();
}

#[test]
fn several_frames_on_a_stream_and_their_results_are_read_by_python() {
    let Some(mut python) = Python::start() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let cloud = CloudSide::start(pki.cloud(), localhost(), GatewayLimits::default(), echo);
    let runtime = Driven::start();
    let mut raw = runtime.block_on(RawCar::join(&pki.car(), cloud.address, 1));
    let said: Vec<u8> = [(1, true), (2, true), (3, false)]
        .into_iter()
        .flat_map(|(seq, follows)| {
            let flags = FrameFlags { follows, probe: seq == 2 };
            [FrameHeader { seq, flags, ..header(60) }.encode().to_vec(), vec![9; 60]].concat()
        })
        .collect();
    let frames = python.ask("frames", &said).expect("frames");
    let seen: Vec<_> =
        frames.as_array().expect("a list").iter().map(|f| (&f["seq"], &f["follows"], &f["probe"])).collect();
    let (yes, no) = (&Value::from(true), &Value::from(false));
    assert_eq!(seen, [(&Value::from(1), yes, no), (&Value::from(2), yes, yes), (&Value::from(3), no, no)]);
    let answer = runtime.block_on(raw.answer_to(said, false)).expect("results");
    let results = python.ask("results", &answer).expect("results");
    let seqs: Vec<_> = results.as_array().expect("a list").iter().map(|result| result["seq"].as_u64()).collect();
    assert_eq!(seqs, [Some(1), Some(3)], "a probe has none");
    drop(raw);
    cloud.end();
}

/// Lets every car in whose certificate is good.
struct Anyone;

impl tls::callbacks::VerifyHostNameCallback for Anyone {
    fn verify_host_name(&self, _: &str) -> bool {
        true
    }
}

/// A gateway of which only the certificate is real.
fn listen(files: &TlsFiles) -> Server {
    let tls = tls::Server::builder()
        .with_empty_trust_store()
        .and_then(|builder| builder.with_trusted_certificate(files.ca.as_path()))
        .and_then(tls::server::Builder::with_client_authentication)
        .and_then(|builder| builder.with_verify_host_name_callback(Anyone))
        .and_then(|builder| builder.with_certificate(files.certificate.as_path(), files.key.as_path()))
        .and_then(|builder| builder.with_application_protocols([ALPN]))
        .and_then(tls::server::Builder::build)
        .expect("certificates");
    Server::builder().with_tls(tls).expect("TLS").with_io("127.0.0.1:0").expect("a socket").start().expect("a server")
}

fn golden(name: &str) -> Vec<u8> {
    let vectors = vectors();
    let vector = vectors.iter().find(|vector| text(vector, "name") == name).expect(name);
    from_hex(text(vector, "hex"))
}

#[test]
fn what_a_car_writes_is_read_by_python_and_golden_bytes_are_what_it_reads() {
    let Some(mut python) = Python::start() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let runtime = Driven::start();
    let mut server = runtime.block_on(async { listen(&pki.cloud()) });
    let mut car = CarSide::start(pki.car(), server.local_addr().expect("bound"), IDENTITY, 2);
    let (mut connection, _control) = runtime.block_on(async {
        let accepted = tokio::time::timeout(PATIENCE, server.accept()).await.expect("a car comes");
        let mut connection = accepted.expect("a car");
        let mut control = connection.accept_bidirectional_stream().await.expect("a car").expect("a stream");
        let mut said = vec![];
        while python.ask("control", &said).is_err() {
            said.extend(control.receive().await.expect("Hello").expect("Hello"));
        }
        let hello = python.ask("control", &said).expect("Hello");
        assert_eq!((text(&hello, "type"), text(&hello, "identity")), ("hello", IDENTITY));
        control.send(golden("accepted").into()).await.expect("sent");
        (connection, control)
    });
    car.wait_connected(true);
    // The golden result is of frame 42.
    car.send(1, 42, 0, 70_000, Duration::from_secs(20));
    let frame = runtime.block_on(async {
        let mut stream = connection.accept_bidirectional_stream().await.expect("a car").expect("a frame");
        let mut said = vec![];
        loop {
            said.extend(stream.receive().await.expect("a frame").expect("all of it"));
            if let Ok(frame) = python.ask("frame-stream", &said) {
                stream.send(golden("result").into()).await.expect("sent");
                stream.finish().expect("finished");
                return frame;
            }
        }
    });
    for (key, value) in [("service", 2), ("seq", 42), ("model", 0), ("kind", 2), ("coding", 1), ("payload_len", 70_000)]
    {
        assert_eq!(frame[key], value, "{key} of {frame}");
    }
    assert!(frame["budget_us"].as_u64().is_some_and(|us| us > 0 && us <= 20_000_000), "{frame}");
    let reply = car.reply(1);
    assert_eq!((reply.status, reply.seq), (ReplyStatus::Ok, 42));
    assert_eq!(reply.detections.first().map(|found| (found.y_max, found.class)), Some((4.0, 7)));
    // The golden stamps are of another frame: the result counts, they do not.
    let estimate = car.wait("the stamps to be counted", |car| car.estimates.take().filter(|e| e.absurd_stamps > 0));
    assert_eq!((estimate.absurd_stamps, estimate.clock), (1, None));
}
