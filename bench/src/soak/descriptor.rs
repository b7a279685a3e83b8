//! What crosses a hop beside a lease, or by itself between processes: numbered and checksummed.

use rt_core::clock::Monotonic;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::random::mix;

/// 40 bytes without padding, the same in every process.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Descriptor {
    /// Number within its source, from 0.
    pub seq: u64,
    /// Address of the bytes in this process; 0 where there are none.
    pub address: u64,
    /// `CLOCK_MONOTONIC`, nanoseconds.
    pub capture_ns: u64,
    /// Which source, or which generation of the second process.
    pub source: u64,
    checksum: u64,
}

impl Descriptor {
    /// A descriptor with its checksum.
    #[must_use]
    pub fn new(seq: u64, address: u64, capture: Monotonic, source: u64) -> Self {
        let whole = Self { seq, address, capture_ns: capture.as_ns(), source, checksum: 0 };
        Self { checksum: whole.sum(), ..whole }
    }

    /// Whether no field has changed since it was made.
    #[must_use]
    pub fn intact(&self) -> bool {
        self.checksum == self.sum()
    }

    fn sum(&self) -> u64 {
        [self.seq, self.address, self.capture_ns, self.source].into_iter().fold(1, |sum, field| mix(sum ^ field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_that_flips_anywhere_is_seen() {
        let whole = Descriptor::new(7, 0xABCD_EF00, Monotonic::from_ns(1_234_567), 3);
        assert!(whole.intact());
        for bit in 0..8 * size_of::<Descriptor>() {
            let mut bytes: [u8; size_of::<Descriptor>()] = whole.as_bytes().try_into().expect("its size");
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!Descriptor::read_from_bytes(&bytes).expect("its size").intact(), "bit {bit}");
        }
    }
}
