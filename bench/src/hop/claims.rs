//! What this project claims of its hand-overs, as ratios of medians of one run.

use std::collections::BTreeMap;

use crate::report::{Ratio, Row, ratio};
use crate::seat::Placement;

/// The claims, by name; each compares ends that wait alike, except against the socket pair, whose ends can only block.
#[must_use]
pub fn claims(rows: &[Row]) -> BTreeMap<String, Ratio> {
    use crate::peers::rows::{
        CROSSBEAM_RECV, CROSSBEAM_SPIN, ICEORYX_PROCESSES, ICEORYX_THREADS, PROCESS_RING, PROCESS_RING_SPIN, RING,
        RING_SPIN, SOCKET_THREADS,
    };
    let pairs: [(&str, &str, &str, f64); 7] = [
        ("thread_ring_vs_crossbeam", RING, CROSSBEAM_RECV, 1.0),
        ("thread_ring_vs_crossbeam_spin", RING_SPIN, CROSSBEAM_SPIN, 1.0),
        ("thread_ring_vs_iceoryx2", RING_SPIN, ICEORYX_PROCESSES, 1.0),
        ("thread_ring_vs_iceoryx2_threads", RING_SPIN, ICEORYX_THREADS, 1.0),
        ("thread_ring_vs_socket_pair", RING, SOCKET_THREADS, 15.0),
        // Within 1.5 times of the thread ring.
        ("process_ring_vs_thread_ring", PROCESS_RING, RING, 1.0 / 1.5),
        ("process_ring_vs_thread_ring_spin", PROCESS_RING_SPIN, RING_SPIN, 1.0 / 1.5),
    ];
    let claims = pairs.into_iter().filter_map(|(claim, ours, peer, at_least)| {
        let find = |name: &str| rows.iter().find(|row| row.name == name && row.placement == Placement::OtherCore);
        Some((claim.to_owned(), ratio(find(ours)?, find(peer)?, at_least)))
    });
    claims.collect()
}
