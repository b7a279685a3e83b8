//! What the gateway and the workers tell, brought together: rows of log type 3, and lines for a person.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use allocation::model_config::ModelConfig;
use rt_core::clock::Monotonic;
use rt_core::lifecycle::{Subsystem, Watch};
use telemetry::emitter::Emitter;
use telemetry::names::Names;
use telemetry::records::ServedRecord;
use telemetry::subscribe::{Hub, NoteKind};
use transport::gateway::{GatewayEvent, GatewayStats, ServedFrame};
use transport::wire::result::Status;

use super::worker::Work;

/// Work whose frame was not answered by then never will be: its car is gone.
const FORGOTTEN: Duration = Duration::from_secs(10);

/// The cloud's books.
pub(super) struct Books {
    served: rtrb::Consumer<ServedFrame>,
    events: rtrb::Consumer<GatewayEvent>,
    /// One per worker.
    done: Vec<rtrb::Consumer<Work>>,
    rows: Emitter<ServedRecord>,
    names: Names,
    /// The models' names, in the order of the menu.
    models: Vec<String>,
    open: HashMap<(Arc<str>, u16, u64), Work>,
    /// Requests given up before inference since the last one served, by car and service.
    expired: HashMap<(Arc<str>, u16), u32>,
    hub: Hub,
}

/// The books as a subsystem: they are closed once nobody writes into them, and before the collector is, which waits for
/// their rows.
pub(super) struct Ledger {
    pub(super) books: Rc<RefCell<Option<Books>>>,
    /// What the gateway counted, told at the end.
    pub(super) stats: Arc<GatewayStats>,
}

impl Subsystem for Ledger {
    fn name(&self) -> &str {
        "books"
    }

    fn start(&mut self, _: &mut Watch, _: Monotonic) -> Result<(), String> {
        Ok(())
    }

    fn stop(&mut self, _: &mut Watch) -> Result<(), String> {
        if let Some(mut books) = self.books.borrow_mut().take() {
            books.write();
            telemetry::say!("gateway: {}", self.stats);
        }
        Ok(())
    }
}

impl Books {
    /// Empty books. `done` has a ring per worker, `models` the names in the order of the menu.
    pub(super) fn new(
        served: rtrb::Consumer<ServedFrame>,
        events: rtrb::Consumer<GatewayEvent>,
        done: Vec<rtrb::Consumer<Work>>,
        rows: Emitter<ServedRecord>,
        names: Names,
        models: Vec<String>,
        hub: Hub,
    ) -> Self {
        Self { served, events, done, rows, names, models, open: HashMap::new(), expired: HashMap::new(), hub }
    }

    /// Writes down what has come since the last call.
    pub(super) fn write(&mut self) {
        while let Ok(event) = self.events.pop() {
            if let GatewayEvent::Left { car } = &event {
                self.expired.retain(|(of, _), _| of != car);
            }
            let kind = match &event {
                GatewayEvent::Joined { .. } | GatewayEvent::Left { .. } => NoteKind::Peer,
                GatewayEvent::Refused { .. } | GatewayEvent::Tally(_) => NoteKind::Refused,
                GatewayEvent::WorkerDied { .. } => NoteKind::Failed,
            };
            self.hub.say(kind, &line(&event));
        }
        while let Ok(frame) = self.served.pop() {
            // A worker writes down its work before it hands the result over, so it is there by now.
            self.take_work();
            self.frame(&frame);
        }
        self.take_work();
        let now = Monotonic::now();
        self.open.retain(|_, work| now.saturating_since(work.finished_at) < FORGOTTEN);
    }

    fn take_work(&mut self) {
        let Self { done, open, hub, .. } = self;
        for ring in done {
            while let Ok(work) = ring.pop() {
                if let Some(error) = &work.error {
                    let line = format!("frame {} of {} service {}: {error}", work.seq, work.car, work.service);
                    hub.say(NoteKind::Failed, &line);
                }
                open.insert((Arc::clone(&work.car), work.service, work.seq), work);
            }
        }
    }

    fn frame(&mut self, frame: &ServedFrame) {
        let owner = (Arc::clone(&frame.car), frame.service);
        let work = self.open.remove(&(Arc::clone(&frame.car), frame.service, frame.seq));
        match (frame.status, work) {
            (Status::Ok, Some(work)) => {
                let expired = self.expired.remove(&owner).unwrap_or(0);
                let record = self.record(frame, &work, expired);
                self.rows.emit(record);
            }
            (Status::Expired | Status::Superseded, _) => {
                let count = self.expired.entry(owner).or_default();
                *count = count.saturating_add(1);
            }
            _ => {}
        }
    }

    fn record(&self, frame: &ServedFrame, work: &Work, expired_before_inference: u32) -> ServedRecord {
        let model = self.models.get(usize::from(frame.model)).cloned().unwrap_or_default();
        let config = ModelConfig { model, payload: work.payload }.to_string();
        ServedRecord {
            service: frame.service,
            seq: frame.seq,
            start: work.taken_at,
            end: frame.answered_at,
            // The gateway reads the header while the payload is still on its way: it costs the request no time.
            deserialization: Duration::ZERO,
            deserialization_polling: work.taken_at.saturating_since(work.received_at),
            preprocessing: frame.times.prepare,
            inference: frame.times.inference,
            serialization: frame.times.finish,
            ack: frame.answered_at.saturating_since(work.finished_at),
            config: self.names.intern(&config),
            car: self.names.intern(&frame.car),
            worker: self.names.intern(&format!("worker-{}", work.worker)),
            batch_size: 1,
            host_to_device: Duration::ZERO,
            device: frame.times.inference,
            device_to_host: Duration::ZERO,
            expired_before_inference,
        }
    }
}

fn line(event: &GatewayEvent) -> String {
    match event {
        GatewayEvent::Joined { car, from } => format!("{car} joined from {from}"),
        GatewayEvent::Left { car } => format!("{car} left"),
        GatewayEvent::Refused { from, reason } => format!("refused {from}: {reason}"),
        GatewayEvent::Tally(tally) => format!(
            "refused since the start: {} connections, streams and frames; {} handshakes failed, {} were asked to prove \
             their address; {} stray datagrams",
            tally.refused, tally.failed_handshakes, tally.retries, tally.dropped_datagrams
        ),
        GatewayEvent::WorkerDied { worker } => format!("worker-{} died", worker + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use allocation::model_config::{Coding, Payload};
    use rt_core::clock::ClockAnchor;
    use telemetry::collector::Collector;
    use telemetry::logs::Logs;
    use transport::wire::result::{CloudTimes, TrainRate};

    fn frame(seq: u64, status: Status) -> ServedFrame {
        ServedFrame {
            car: "car/a".into(),
            service: 2,
            seq,
            model: 1,
            status,
            payload_bytes: 1,
            budget: Duration::ZERO,
            times: CloudTimes { inference: Duration::from_millis(3), ..CloudTimes::default() },
            train: TrainRate::default(),
            detections: 0,
            received_at: Monotonic::from_ns(1),
            answered_at: Monotonic::from_ns(900),
        }
    }

    fn work(seq: u64) -> Work {
        Work {
            car: "car/a".into(),
            service: 2,
            seq,
            payload: Payload::Input(Coding::Jpeg(50)),
            worker: 7,
            received_at: Monotonic::from_ns(100),
            taken_at: Monotonic::from_ns(400),
            finished_at: Monotonic::from_ns(800),
            error: None,
        }
    }

    #[test]
    fn frames_meet_their_work_and_the_given_up_are_counted_at_the_next_served() {
        let mut collector = Collector::new(ClockAnchor::now(), Names::default(), Logs::none(), &[]);
        let (mut served_in, served) = rtrb::RingBuffer::new(8);
        let (_, events) = rtrb::RingBuffer::new(1);
        let (mut done_in, done) = rtrb::RingBuffer::new(8);
        let models = vec!["small".into(), "large".into()];
        let hub = Hub::new("cloud", "0", ClockAnchor::now());
        let mut books = Books::new(served, events, vec![done], collector.served(8), Names::default(), models, hub);
        for seq in [3, 4] {
            done_in.push(Work { finished_at: Monotonic::now(), ..work(seq) }).expect("room");
        }
        for (seq, status) in [(1, Status::Expired), (2, Status::Superseded), (3, Status::Expired)] {
            served_in.push(frame(seq, status)).expect("room");
        }
        books.write();
        assert_eq!(books.expired.get(&("car/a".into(), 2)), Some(&3));
        let record = books.record(&frame(4, Status::Ok), &work(4), 3);
        assert_eq!(&*books.names.get(record.config), "large-imgcompNone-inpcomp50");
        assert_eq!(&*books.names.get(record.worker), "worker-7");
        assert_eq!(record.deserialization_polling, Duration::from_nanos(300));
        assert_eq!(record.ack, Duration::from_nanos(100));
        books.take_work();
        books.frame(&frame(4, Status::Ok));
        assert!(books.expired.is_empty(), "reported with the frame that was served");
    }
}
