//! A peer with a valid certificate that says what no car would, or nothing at all.

use std::net::SocketAddr;
use std::time::Duration;

use allocation::model_config::{Coding, Payload};
use bytes::Bytes;
use s2n_quic::Client;
use s2n_quic::client::Connect;
use s2n_quic::stream::SendStream;

use crate::car::retire;
use crate::certs::{CLOUD_NAME, Car, Credentials};
use crate::reactor::{never, simulated, sleep};
use crate::wire::VERSION;
use crate::wire::control::ControlMessage;
use crate::wire::frame::{FrameFlags, FrameHeader};
use crate::wire::stream::send;

/// Longer than the stack keeps a connection that is silent.
const SILENCE: Duration = Duration::from_secs(100);
const STREAMS: u64 = 40;
const PINGS: usize = 3_000;

/// Does it once, a little differently for each number; whatever the gateway answers is what it answers.
pub(super) async fn offend(server: SocketAddr, tls: Credentials<Car>, number: u64) {
    let Ok(mut client) = endpoint(&tls) else { return };
    // A gateway that cuts it off is what is wanted, so no error is one here.
    let _ = offended(server, &client, number).await;
    retire(&mut client);
}

fn endpoint(tls: &Credentials<Car>) -> Result<Client, Box<dyn std::error::Error>> {
    let (io, random) = simulated::endpoint(Some(0)).ok_or("it is not in a simulation")?;
    let builder = Client::builder().with_tls(tls.client()).unwrap_or_else(never);
    let builder = builder.with_random(random).unwrap_or_else(never);
    Ok(builder.with_io(io?).unwrap_or_else(never).start()?)
}

async fn offended(server: SocketAddr, client: &Client, number: u64) -> Result<(), Box<dyn std::error::Error>> {
    let connection = client.connect(Connect::new(server).with_server_name(CLOUD_NAME)).await?;
    let (mut handle, _acceptor) = connection.split();
    let (_answers, mut control) = handle.open_bidirectional_stream().await?.split();
    let identity = format!("car/offender/00000000-0000-4000-8000-{number:012x}").parse()?;
    send(&mut control, &ControlMessage::Hello { version: VERSION, identity, process: number }).await?;
    match number % 5 {
        0 => sleep(SILENCE).await,
        1 => flood_with_pings(&mut control).await?,
        kind => {
            for seq in 0..STREAMS {
                let (_answer, mut stream) = handle.open_bidirectional_stream().await?.split();
                stream.send(wrong_frame(kind, seq)).await?;
                if kind == 2 {
                    let _ = stream.reset(1_u32.into());
                }
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
    Ok(())
}

async fn flood_with_pings(control: &mut SendStream) -> Result<(), s2n_quic::stream::Error> {
    let ping = ControlMessage::Ping.encode();
    control.send(Bytes::from(ping.repeat(PINGS))).await?;
    sleep(Duration::from_secs(2)).await;
    Ok(())
}

/// Cut short and reset, noise, or the same number again and again.
fn wrong_frame(kind: u64, seq: u64) -> Bytes {
    if kind == 3 {
        return vec![0xff; 2_000].into();
    }
    let header = FrameHeader {
        service: 1,
        seq: if kind == 2 { seq } else { 1 },
        budget: Duration::from_millis(500),
        model: 0,
        payload: Payload::Input(Coding::Jpeg(50)),
        width: 512,
        height: 512,
        frame_width: 1_280,
        frame_height: 720,
        payload_bytes: if kind == 2 { 50_000 } else { 2_000 },
        sent_ns: 0,
        flags: FrameFlags::default(),
    };
    [header.encode().as_slice(), &[0; 2_000]].concat().into()
}
