//! One car's connection: Hello first, then a stream per frame, and the menu whenever it has changed.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use s2n_quic::Connection;
use s2n_quic::connection::{Handle, StreamAcceptor};
use s2n_quic::stream::SendStream;

use super::GatewayEvent;
use super::admission::Opening;
use super::frame::{self, Link};
use super::hub::Hub;
use super::offence::{Offence, Record};
use super::peer::PeerMetrics;
use super::pings::Pings;
use super::sequence::Services;
use super::shards;
use crate::wire::control::ControlMessage;
use crate::wire::identity::Identity;
use crate::wire::stream::{ControlReader, send};
use crate::wire::{VERSION, code};

/// How often the menu with live execution times is looked at, and sent where it says something else.
const MENU_PERIOD: Duration = Duration::from_secs(1);
/// A refusal is given this long to arrive before the connection is closed.
const REFUSAL_TIME: Duration = Duration::from_millis(500);

/// Serves one connection until it ends.
pub(super) async fn serve(hub: Rc<RefCell<Hub>>, connection: Connection) {
    let from = connection.remote_addr().unwrap_or_else(|_| (std::net::Ipv4Addr::UNSPECIFIED, 0).into());
    let metrics = connection.query_event_context(|metrics: &Arc<PeerMetrics>| Arc::clone(metrics)).unwrap_or_default();
    let certificate = metrics.certificate();
    let opening = hub.borrow_mut().opened(&certificate, crate::reactor::now());
    let (handle, acceptor) = connection.split();
    match opening {
        Opening::Heard => welcome(&hub, handle, acceptor, &metrics, from, Ok(())).await,
        Opening::Refused(reason) => welcome(&hub, handle, acceptor, &metrics, from, Err(reason)).await,
        Opening::Closed(reason) => refuse(&hub, handle, None, from, reason).await,
    }
    hub.borrow_mut().closed(&certificate);
}

/// Hears Hello, and serves the car or says why not.
async fn welcome(
    hub: &Rc<RefCell<Hub>>,
    handle: Handle,
    mut acceptor: StreamAcceptor,
    metrics: &Arc<PeerMetrics>,
    from: SocketAddr,
    admitted: Result<(), String>,
) {
    let time = hub.borrow().limits.header_time;
    let hello = crate::reactor::within(time, greet(&mut acceptor)).await;
    let (identity, process, reader, mut control) = match hello {
        Some(Ok(hello)) => hello,
        // One of several attempts, of which another was faster.
        Some(Err(None)) => return,
        Some(Err(Some((reason, control)))) => return refuse(hub, handle, control, from, reason).await,
        None => {
            let reason = format!("no Hello within {} ms", time.as_millis());
            return refuse(hub, handle, None, from, reason).await;
        }
    };
    let joined = admitted.and_then(|()| {
        hub.borrow_mut().join((&identity, process), (handle.clone(), Arc::clone(metrics)), crate::reactor::now())
    });
    let id = match joined {
        Ok(id) => id,
        Err(reason) => return refuse(hub, handle, Some(control), from, reason).await,
    };
    let car: Arc<str> = identity.as_str().into();
    hub.borrow_mut().log(GatewayEvent::Joined { car: Arc::clone(&car), from });
    let (menu, edition) = hub.borrow_mut().menu(crate::reactor::now());
    if send(&mut control, &ControlMessage::Accepted { menu }).await.is_ok() {
        let link = Rc::new(Link {
            hub: Rc::clone(hub),
            connection: id,
            car: Arc::clone(&car),
            from,
            metrics: Arc::clone(metrics),
            handle: handle.clone(),
            services: RefCell::new(Services::new(hub.borrow().limits.max_services)),
            record: RefCell::new(Record::new(crate::reactor::now())),
            long_streams: Cell::default(),
        });
        attend(hub, link, acceptor, reader, Told { control, edition }, &handle).await;
    }
    let mut hub = hub.borrow_mut();
    hub.leave(id);
    hub.log(GatewayEvent::Left { car });
}

type Greeted = (Identity, u64, ControlReader, SendStream);

/// The first stream has to bring Hello. Without an error the car closed the connection in good order before it said so.
async fn greet(acceptor: &mut StreamAcceptor) -> Result<Greeted, Option<(String, Option<SendStream>)>> {
    let stream = match acceptor.accept_bidirectional_stream().await {
        Ok(Some(stream)) => stream,
        Ok(None) => return Err(None),
        Err(error) => return Err(Some((format!("it was lost before Hello: {error}"), None))),
    };
    let (receive, control) = stream.split();
    let mut reader = ControlReader::new(receive);
    let wrong = match reader.next().await {
        Ok(ControlMessage::Hello { version: VERSION, identity, process }) => {
            return Ok((identity, process, reader, control));
        }
        Ok(ControlMessage::Hello { version, .. }) => {
            format!("it speaks version {version}; this gateway speaks {VERSION}")
        }
        Ok(_) => "its first message is not Hello".to_owned(),
        Err(error) => format!("its first message is not Hello: {error}"),
    };
    Err(Some((wrong, Some(control))))
}

/// Says why, leaves the words time to arrive, closes.
async fn refuse(hub: &RefCell<Hub>, handle: Handle, control: Option<SendStream>, from: SocketAddr, reason: String) {
    hub.borrow_mut().refuse(from, reason.clone());
    if let Some(mut control) = control {
        let told = async {
            if send(&mut control, &ControlMessage::Refused { reason }).await.is_ok() {
                let _ = control.close().await;
            }
        };
        let _ = crate::reactor::within(REFUSAL_TIME, told).await;
    }
    handle.close(code::REFUSED.into());
}

/// The stream that menus go down, and which of them the car has.
struct Told {
    control: SendStream,
    edition: u64,
}

/// Takes streams and sends menus until the connection ends or the car breaks the protocol.
async fn attend(
    hub: &RefCell<Hub>,
    link: Rc<Link>,
    mut acceptor: StreamAcceptor,
    mut reader: ControlReader,
    mut told: Told,
    handle: &Handle,
) {
    let mut pings = Pings::new(crate::reactor::now());
    let mut menu_due = crate::reactor::now().plus(MENU_PERIOD);
    let mut shards = std::pin::pin!(shards::serve(Rc::clone(&link), handle.clone()));
    loop {
        tokio::select! {
            biased;
            () = &mut shards => return,
            () = crate::reactor::sleep_until(menu_due) => {
                // A car that is not there would get them all at once when it is back.
                let now = crate::reactor::now();
                let news = if link.metrics.is_dead(now) { None } else { hub.borrow_mut().menu_since(told.edition, now) };
                if let Some((bytes, edition)) = news {
                    if told.control.send(bytes).await.is_err() {
                        return;
                    }
                    told.edition = edition;
                }
                menu_due = crate::reactor::now().plus(MENU_PERIOD);
            }
            stream = acceptor.accept_bidirectional_stream() => match stream {
                Ok(Some(stream)) => {
                    tokio::task::spawn_local(frame::serve(Rc::clone(&link), stream));
                }
                Ok(None) | Err(_) => return,
            },
            // After Hello a car has little to say here, and a control stream that ends is a car that leaves.
            said = reader.next() => {
                if let Ok(ControlMessage::Ping) = said {
                    if !pings.take(crate::reactor::now()) {
                        link.offend(Offence::Pings, format!("{} floods its control stream with pings", link.car));
                    }
                    continue;
                }
                if let Ok(_) | Err(crate::wire::stream::ControlReadError::Wire(_)) = said {
                    link.offend(Offence::Control, "a control message out of turn".to_owned());
                }
                handle.close(code::PROTOCOL.into());
                return;
            }
        }
    }
}
