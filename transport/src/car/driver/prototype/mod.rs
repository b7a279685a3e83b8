//! The prototype's discipline in place of turbo's: the newest frame of a service goes onto the service's one stream as
//! soon as the one before has been given to the stack, whatever the link has to say to it, and is finished whatever
//! becomes of its deadline.

mod frames;
mod junk;

use std::cell::RefCell;
use std::rc::Rc;
use std::task::Context;

use rt_core::clock::Monotonic;

use crate::carrier::CarrierChoice;
use crate::carrier::long_stream::LongStream;
use crate::carrier::probe::ProbeSchedule;

/// What the driver keeps where it follows the prototype.
pub(super) struct Prototype {
    /// The connection that the streams are of.
    connection: u64,
    /// One for each service, opened with its first frame.
    streams: Vec<Option<Rc<RefCell<LongStream>>>>,
    /// What each service is given, bytes per second.
    shares: Vec<f64>,
    probe: Option<(ProbeSchedule, Option<LongStream>)>,
    probes: u64,
}

impl Prototype {
    /// `None` for turbo's own discipline.
    pub(super) fn new(choice: CarrierChoice, services: usize, now: Monotonic) -> Option<Self> {
        let CarrierChoice::Prototype(probe) = choice else { return None };
        Some(Self {
            connection: 0,
            streams: (0..services).map(|_| None).collect(),
            shares: vec![0.0; services],
            probe: ProbeSchedule::new(probe, now).map(|schedule| (schedule, None)),
            probes: 0,
        })
    }

    pub(super) fn set_share(&mut self, lane: usize, bytes_per_s: f64) {
        if let Some(share) = self.shares.get_mut(lane) {
            *share = bytes_per_s;
        }
    }

    /// When the probe has something to do; while the stack still takes junk, its acknowledgements tell.
    pub(super) fn due(&self) -> Option<Monotonic> {
        let (schedule, stream) = self.probe.as_ref()?;
        stream.as_ref().is_none_or(|stream| stream.unsent_bytes() == 0).then(|| schedule.due())
    }

    /// The streams of a connection that is left end with it, or as soon as they can.
    fn follow(&mut self, connection: u64) {
        if self.connection != connection {
            self.connection = connection;
            self.streams.iter_mut().for_each(|stream| *stream = None);
            if let Some((_, stream)) = &mut self.probe {
                *stream = None;
            }
        }
    }

    /// Gives the stack what it has room for of begun frames, those that are long answered too; whether that was anything.
    fn write(&mut self, cx: &mut Context<'_>) -> bool {
        let mut wrote = false;
        for place in &mut self.streams {
            match place.as_ref().map(|stream| stream.borrow_mut().write(cx)) {
                Some(Ok(bytes)) => wrote |= bytes > 0,
                // Refused by the cloud: the frames' reader hears it, and the next frame opens another.
                Some(Err(_)) => *place = None,
                None => {}
            }
        }
        if let Some((_, place)) = &mut self.probe {
            match place.as_mut().map(|stream| stream.write(cx)) {
                Some(Ok(bytes)) => wrote |= bytes > 0,
                Some(Err(_)) => *place = None,
                None => {}
            }
        }
        wrote
    }

    /// The stream of `lane`, where no frame is being written on it.
    fn idle(&self, lane: usize) -> Option<Rc<RefCell<LongStream>>> {
        let stream = self.streams.get(lane)?.as_ref()?;
        (stream.borrow().unsent_bytes() == 0).then(|| Rc::clone(stream))
    }

    fn is_busy(&self, lane: usize) -> bool {
        let stream = self.streams.get(lane).and_then(Option::as_ref);
        stream.is_some_and(|stream| stream.borrow().unsent_bytes() > 0)
    }
}
