//! A stream on which frames follow one another, as the prototype's cars send them: one for each service, for as long as
//! the connection lasts, and one for the probe.
//!
//! Between two frames such a stream may be silent. A begun frame has to go on: what is past its deadline is answered,
//! its bytes are freed, and the rest is thrown away as it comes; one that stops halfway while its connection is alive
//! ends the stream. Results go back on the same stream in the order in which they are known. A probe is thrown away
//! and counted, holds no memory, and is paid for out of the car's bytes per second like any frame.

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use s2n_quic::stream::SendStream;
use tokio::sync::mpsc;
use tokio::sync::mpsc::OwnedPermit;

use super::frame::{
    Answered, Held, Incoming, Input, Link, NoFrame, Receiving, admit, collect, cut_short, detect, read_header, refuse,
    refused, write as write_result,
};
use super::offence::Offence;
use crate::wire::code;

/// Frames of one stream between their headers and their results, at most; the next one is not read before.
const MOST_OPEN: usize = 16;
/// A begun frame may bring nothing for this many header times. On a full link a packet and its repetition may be lost
/// one after the other, each behind a queue.
const STALL_TIMES: u32 = 4;
/// Bytes of results that may be on their way to a car that does not take them.
const MOST_UNREAD_BYTES: usize = 64 * 1024;

/// Serves the stream whose first frame's header was read.
pub(super) async fn serve(link: Rc<Link>, first: Incoming, mut input: Input, mut send: SendStream) {
    let Some(_place) = Place::of(&link) else {
        let reason = format!("{} opens one stream of several frames more than it may", link.car);
        return refuse(&link, NoFrame::Offence(Offence::Service, reason), &mut input, &mut send);
    };
    let outcome = {
        let (results, mut answers) = mpsc::channel(MOST_OPEN);
        let mut writing = pin!(write(&link, &mut answers, &mut send));
        let read = tokio::select! {
            biased;
            read = read(&link, first, &mut input, results) => Some(read),
            () = &mut writing => None,
        };
        if matches!(read, Some(Ok(()))) {
            // What is still with a worker is answered.
            writing.await;
        }
        read
    };
    match outcome {
        Some(Ok(())) => {}
        // Nobody takes the results.
        None => input.stop(code::DONE),
        Some(Err(reason)) => refuse(&link, reason, &mut input, &mut send),
    }
}

/// A stream's place among those of its connection.
struct Place<'a>(&'a Link);

impl<'a> Place<'a> {
    fn of(link: &'a Link) -> Option<Self> {
        // One for each service, one for the probe.
        let most = link.hub.borrow().limits.max_services.saturating_add(1);
        let taken = link.long_streams.get();
        (taken < most).then(|| {
            link.long_streams.set(taken + 1);
            Self(link)
        })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.long_streams.set(self.0.long_streams.get().saturating_sub(1));
    }
}

/// Reads frames until the last.
async fn read(
    link: &Rc<Link>,
    first: Incoming,
    input: &mut Input,
    results: mpsc::Sender<Answered>,
) -> Result<(), NoFrame> {
    let mut incoming = first;
    loop {
        let flags = incoming.header.flags;
        if flags.probe {
            throw_away(link, incoming, input).await?;
        } else {
            let place = results.clone().reserve_owned().await.map_err(|_| NoFrame::Left)?;
            take(link, incoming, input, place).await?;
        }
        if !flags.follows {
            return input.nothing_ahead();
        }
        // A stream that ends here, in whatever way, ends in good order.
        let Ok(Some(chunk)) = input.next().await else { return Ok(()) };
        input.put_back(chunk);
        incoming = brought(link, read_header(link, input)).await??;
    }
}

/// Reads a frame to its end, and has it answered.
async fn take(
    link: &Rc<Link>,
    mut incoming: Incoming,
    input: &mut Input,
    place: OwnedPermit<Answered>,
) -> Result<(), NoFrame> {
    if let Some(status) = admit(link, &incoming) {
        let (service, missing) = (incoming.header.service, incoming.missing());
        place.send(refused(link, incoming, status));
        return rest(link, (service, missing), input, |_| {}).await;
    }
    let held = Held { link: Rc::clone(link), bytes: u64::from(incoming.header.payload_bytes) };
    if collect(link, &mut incoming, input).await? {
        let link = Rc::clone(link);
        tokio::task::spawn_local(async move {
            let result = detect(&link, incoming, true).await;
            drop(held);
            // Where the car has left, nobody waits.
            if let Ok(result) = result {
                place.send(result);
            }
        });
        return Ok(());
    }
    let (service, missing) = (incoming.header.service, incoming.missing());
    place.send(detect(link, incoming, false).await?);
    drop(held);
    rest(link, (service, missing), input, |_| {}).await
}

/// Reads a probe to its end.
async fn throw_away(link: &Rc<Link>, incoming: Incoming, input: &mut Input) -> Result<(), NoFrame> {
    let (bytes, most) = (incoming.header.payload_bytes, link.hub.borrow().limits.max_frame_bytes);
    if bytes > most {
        let reason = format!("{} sends a probe of {bytes} bytes; {most} are allowed", link.car);
        return Err(NoFrame::Offence(Offence::FrameBytes, reason));
    }
    // It is paid for and held no longer: its bytes go as they come.
    let paid = link.hub.borrow_mut().hold(link.connection, u64::from(bytes));
    if let Err(why) = paid {
        let reason = format!("a probe of {bytes} bytes of {}: {why}", link.car);
        return Err(NoFrame::Offence(Offence::CarBytes, reason));
    }
    drop(Held { link: Rc::clone(link), bytes: u64::from(bytes) });
    let stats = std::sync::Arc::clone(&link.hub.borrow().stats);
    let count = |bytes: usize| {
        stats.probe_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    };
    count(incoming.payload.len());
    let (service, missing) = (incoming.header.service, incoming.missing());
    drop(incoming);
    rest(link, (service, missing), input, count).await
}

/// Throws away the `missing` bytes of a service's frame that are still to come, and says how many came.
async fn rest(
    link: &Rc<Link>,
    (service, missing): (u16, usize),
    input: &mut Input,
    mut came: impl FnMut(usize),
) -> Result<(), NoFrame> {
    let mut receiving = Receiving::new(link, service, missing as u64);
    let mut left = missing;
    while left > 0 {
        let next = brought(link, input.next()).await??;
        let mut chunk = next.ok_or_else(|| cut_short(missing, missing.saturating_sub(left)))?;
        let beyond = chunk.split_off(chunk.len().min(left));
        input.put_back(beyond);
        left = left.saturating_sub(chunk.len());
        receiving.came(chunk.len());
        came(chunk.len());
    }
    Ok(())
}

/// Waits for what a begun frame has to bring, for as long as its connection is dead, or it is not too long.
async fn brought<T>(link: &Link, next: impl Future<Output = T>) -> Result<T, NoFrame> {
    let time = link.hub.borrow().limits.header_time;
    let mut next = pin!(next);
    let mut quiet = 0;
    while quiet < STALL_TIMES {
        tokio::select! {
            biased;
            got = &mut next => return Ok(got),
            () = crate::reactor::sleep(time) => {
                quiet = if link.metrics.is_dead(crate::reactor::now()) { 0 } else { quiet + 1 };
            }
        }
    }
    let reason = format!("a begun frame brought nothing for {} ms", (time * STALL_TIMES).as_millis());
    Err(NoFrame::Offence(Offence::Stalled, reason))
}

/// Writes results as they come, until there will be none.
async fn write(link: &Link, results: &mut mpsc::Receiver<Answered>, send: &mut SendStream) {
    let mut empty = None;
    while let Some(answered) = results.recv().await {
        // The buffer's room is what is not yet acknowledged of it.
        let Ok(room) = std::future::poll_fn(|cx| send.poll_send_ready(cx)).await else { return };
        let unread = empty.get_or_insert(room).saturating_sub(room);
        if unread > MOST_UNREAD_BYTES && send.flush().await.is_err() {
            return;
        }
        if !write_result(link, send, answered, false).await {
            return;
        }
    }
    let _ = send.finish();
}
