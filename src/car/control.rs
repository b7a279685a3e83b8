//! What a running car can be told at its control socket. It runs on the socket's threads; to the allocator it is a
//! mailbox and a bell, so that nobody there waits.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::mailbox;
use rt_core::snapshot;
use telemetry::names::Names;

use super::drive::Drive;
use super::status::Status;
use crate::control::Controlled;

/// Changes of the context that are taken a second, and at once after a pause: as often as a vehicle's bus tells of
/// itself, and no more than the allocator can follow.
const MOST_PER_S: f64 = 100.0;
const MOST_AT_ONCE: f64 = 20.0;

/// The names that a profile gives.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// Of the services.
    pub services: Vec<String>,
    /// Of the rules.
    pub rules: Vec<String>,
    /// Of the tags.
    pub tags: Vec<String>,
}

/// The car's end of its control socket.
pub struct CarControl {
    vocabulary: Vocabulary,
    names: Names,
    bell: Doorbell,
    shared: Mutex<Shared>,
}

struct Shared {
    drive: Drive,
    to_allocator: mailbox::Sender<Drive>,
    status: snapshot::Reader<Status>,
    tokens: f64,
    counted: Monotonic,
}

impl CarControl {
    /// Tells the allocator, which `bell` wakes, and asks it.
    pub fn new(
        vocabulary: Vocabulary,
        names: Names,
        (to_allocator, bell): (mailbox::Sender<Drive>, Doorbell),
        status: snapshot::Reader<Status>,
    ) -> Self {
        let shared =
            Shared { drive: Drive::default(), to_allocator, status, tokens: MOST_AT_ONCE, counted: Monotonic::now() };
        Self { vocabulary, names, bell, shared: Mutex::new(shared) }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn context(&self, words: &str, now: Monotonic) -> Result<String, String> {
        let mut shared = self.shared();
        let since: Duration = now.saturating_since(shared.counted);
        shared.counted = now;
        shared.tokens = (shared.tokens + since.as_secs_f64() * MOST_PER_S).min(MOST_AT_ONCE);
        if shared.tokens < 1.0 {
            return Err(format!(
                "more than {MOST_PER_S} changes of the context a second; send fewer, the newest counts"
            ));
        }
        shared.tokens -= 1.0;
        let drive = shared.drive.told(words, &self.vocabulary.tags, now).map_err(|error| error.to_string())?;
        shared.drive = drive;
        // What it overtakes is older.
        let _ = shared.to_allocator.put(drive);
        drop(shared);
        self.bell.ring();
        Ok(String::new())
    }

    fn status(&self) -> String {
        let Vocabulary { services, rules, tags } = &self.vocabulary;
        self.shared().status.read().json(services, rules, tags, &self.names).to_string()
    }
}

impl Controlled for CarControl {
    fn obey(&self, command: &str) -> Result<String, String> {
        let command = command.trim();
        let (verb, words) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        match verb {
            "context" => self.context(words, Monotonic::now()),
            "status" if words.trim().is_empty() => Ok(self.status()),
            "status" => Err(format!("status has nothing after it; {words:?} is too much")),
            _ => {
                let shown: String = verb.chars().take(40).collect();
                Err(format!("{shown:?} is no command; expected context KEY=VALUE... or status"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt_core::mailbox::mailbox;

    fn control() -> (CarControl, mailbox::Receiver<Drive>, Doorbell) {
        let (sender, receiver) = mailbox();
        let (mut writer, mut readers) = snapshot::snapshot(1, Status::default).expect("one reader");
        writer.write_with(|status| {
            status.changes = 3;
            status.active = 0b10;
        });
        let bell = Doorbell::futex();
        let vocabulary = Vocabulary {
            services: vec!["front".to_owned()],
            rules: vec!["a".to_owned(), "b".to_owned()],
            tags: vec!["crossing".to_owned()],
        };
        let reader = readers.pop().expect("one reader");
        (CarControl::new(vocabulary, Names::default(), (sender, bell.clone()), reader), receiver, bell)
    }

    #[test]
    fn the_newest_context_reaches_the_allocator_and_wakes_it() {
        let (control, mut receiver, bell) = control();
        let seen = bell.count();
        assert_eq!(control.obey("context speed_mps=3"), Ok(String::new()));
        assert_eq!(control.obey("context turn_signal=left tags=crossing"), Ok(String::new()));
        assert_ne!(bell.count(), seen);
        let known = receiver.take().expect("said").known(Monotonic::now(), Duration::from_secs(60));
        assert_eq!(known.speed_mps, Some(3.0), "what was said before is part of it");
        assert!(known.tags.has(0) && receiver.take().is_none());
        let status: serde_json::Value = serde_json::from_str(&control.obey("status").expect("told")).expect("JSON");
        assert_eq!((status["changes"].as_u64(), &status["rules"]), (Some(3), &serde_json::json!(["b"])));
    }

    #[test]
    fn rubbish_is_refused_and_changes_nothing() {
        let (control, mut receiver, _) = control();
        for (command, said) in [
            ("weights left=1000", "\"weights\" is no command; expected context"),
            ("context", "nothing is said"),
            ("context speed_mps=1 weight=5", "there is no \"weight\""),
            ("context tags=crossing,../../etc", "no rule knows the tag"),
            ("status please", "too much"),
            ("\u{0}\u{7f}", "is no command"),
        ] {
            let error = control.obey(command).expect_err(command);
            assert!(error.contains(said), "{command:?}: {error}");
        }
        assert!(receiver.take().is_none());
    }

    #[test]
    fn a_flood_is_bounded_and_ends_with_the_newest() {
        let (control, mut receiver, _) = control();
        let start = Monotonic::now();
        let mut taken = 0;
        for ms in 0..1000_u32 {
            let now = start.plus(Duration::from_millis(ms.into()));
            taken += u32::from(control.context(&format!("speed_mps={}", ms % 150), now).is_ok());
        }
        assert!((110..=121).contains(&taken), "{taken} of 1000 in a second");
        let later = start.plus(Duration::from_secs(2));
        assert!(control.context("speed_mps=42", later).is_ok());
        let known = receiver.take().expect("said").known(later, Duration::from_secs(60));
        assert_eq!(known.speed_mps, Some(42.0));
    }
}
