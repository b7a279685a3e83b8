//! Every interleaving of two readers that end their leases and an owner that reuses the slot: loom's cell would report
//! a reader that still looks while the owner writes.

use loom::cell::UnsafeCell;

use super::returns::Returns;
use crate::sync::Arc;

#[test]
fn a_slot_is_never_reused_while_somebody_reads_it() {
    loom::model(|| {
        let shared = Arc::new((Returns::all_home(1), UnsafeCell::new(0_u8)));
        shared.0.lend(0);
        shared.1.with_mut(|bytes| {
            // SAFETY: the only lease of the slot.
            unsafe { *bytes = 1 }
        });
        shared.0.raise_from(0, 2);
        let readers: Vec<_> = (0..2)
            .map(|reader| {
                let shared = Arc::clone(&shared);
                loom::thread::spawn(move || {
                    // SAFETY: a read lease is out.
                    assert_eq!(shared.1.with(|bytes| unsafe { *bytes }), 1);
                    shared.0.raise(0, reader);
                })
            })
            .collect();
        while !shared.0.is_home(0) {
            loom::thread::yield_now();
        }
        shared.0.lend(0);
        // SAFETY: the slot is home, so no lease of it is out.
        shared.1.with_mut(|bytes| unsafe { *bytes = 2 });
        for reader in readers {
            reader.join().expect("reads and ends");
        }
    });
}
