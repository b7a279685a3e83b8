//! A frame in datagrams: released to the connection's outbox, from where the stack pulls them.

use std::task::Context;

use rt_core::clock::Monotonic;
use s2n_quic::connection::Handle;

use super::FrameTransport;
use super::provider::with_outbox;

/// The frame's bytes are in the outbox; dropping this forgets them there.
pub(crate) struct DatagramFrame {
    connection: Handle,
    frame: u32,
}

impl DatagramFrame {
    /// The handle on a frame that was put into the outbox of `connection`.
    pub(crate) fn new(connection: Handle, frame: u32) -> Self {
        Self { connection, frame }
    }
}

impl FrameTransport for DatagramFrame {
    fn write(&mut self, limit: usize, now: Monotonic, _cx: &mut Context<'_>) -> Result<usize, String> {
        with_outbox(&self.connection, |outbox| outbox.release(self.frame, limit, now)).ok_or_else(gone)
    }

    fn unsent_bytes(&self) -> u64 {
        with_outbox(&self.connection, |outbox| outbox.unsent_bytes(self.frame)).unwrap_or(0)
    }

    fn reset(self) {
        let _ = with_outbox(&self.connection, |outbox| outbox.remove(self.frame, true));
    }
}

impl Drop for DatagramFrame {
    fn drop(&mut self) {
        let _ = with_outbox(&self.connection, |outbox| outbox.remove(self.frame, false));
    }
}

fn gone() -> String {
    "the connection is gone".to_owned()
}
