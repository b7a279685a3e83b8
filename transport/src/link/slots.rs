//! Memory for the packets in the emulator, taken once.

/// A number of equally large packet buffers in one block, handed out by index.
pub(super) struct Slots {
    bytes: Vec<u8>,
    slot_bytes: usize,
    free: Vec<u32>,
}

impl Slots {
    pub(super) fn new(count: usize, slot_bytes: usize) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Self { bytes: vec![0; count as usize * slot_bytes], slot_bytes, free: (0..count).rev().collect() }
    }

    pub(super) fn take(&mut self) -> Option<u32> {
        self.free.pop()
    }

    pub(super) fn give_back(&mut self, slot: u32) {
        self.free.push(slot);
    }

    /// The whole buffer of a slot; empty for one that does not exist.
    pub(super) fn buffer(&mut self, slot: u32) -> &mut [u8] {
        let start = slot as usize * self.slot_bytes;
        self.bytes.get_mut(start..start + self.slot_bytes).unwrap_or_default()
    }

    /// The first `len` bytes of a slot.
    pub(super) fn filled(&mut self, slot: u32, len: usize) -> &mut [u8] {
        let start = slot as usize * self.slot_bytes;
        self.bytes.get_mut(start..start + len.min(self.slot_bytes)).unwrap_or_default()
    }
}
