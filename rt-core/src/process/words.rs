//! Messages copied in and out of shared memory word by word with relaxed atomics: whatever another process does
//! meanwhile, the copy is some bytes and never a data race. Order between copies comes from the structures around them.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::sync::{AtomicU64, Ordering};

/// What can stand in shared memory: fixed size, no padding, no pointers, and every bit pattern valid.
///
/// Implemented for every `Copy` type that derives zerocopy's `FromBytes`, `IntoBytes`, `Immutable` and `KnownLayout`.
pub trait Message: FromBytes + IntoBytes + Immutable + KnownLayout + Copy + Send + 'static {}

impl<T: FromBytes + IntoBytes + Immutable + KnownLayout + Copy + Send + 'static> Message for T {}

/// Words that a message of `bytes` bytes takes.
pub(super) const fn words_of(bytes: usize) -> usize {
    bytes.div_ceil(8)
}

/// Copies `message` into `words`, as many of them as it takes.
#[inline]
pub(super) fn store<T: Message>(words: &[AtomicU64], message: &T) {
    let (whole, rest) = message.as_bytes().as_chunks::<8>();
    let mut words = words.iter();
    for (bytes, word) in whole.iter().zip(words.by_ref()) {
        word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
    }
    if let (Some(word), false) = (words.next(), rest.is_empty()) {
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        word.store(u64::from_ne_bytes(last), Ordering::Relaxed);
    }
}

/// Copies a message out of `words`; bytes beyond the words are zero.
#[inline]
pub(super) fn load<T: Message>(words: &[AtomicU64]) -> T {
    let mut message = T::new_zeroed();
    let (whole, rest) = message.as_mut_bytes().as_chunks_mut::<8>();
    let mut words = words.iter();
    for (bytes, word) in whole.iter_mut().zip(words.by_ref()) {
        *bytes = word.load(Ordering::Relaxed).to_ne_bytes();
    }
    if let (Some(word), false) = (words.next(), rest.is_empty()) {
        let last = word.load(Ordering::Relaxed).to_ne_bytes();
        rest.iter_mut().zip(last).for_each(|(to, from)| *to = from);
    }
    message
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    fn survives<const BYTES: usize>() {
        let words: [AtomicU64; 3] = std::array::from_fn(|_| AtomicU64::new(u64::MAX));
        let message: [u8; BYTES] = std::array::from_fn(|index| index as u8 + 1);
        store(&words, &message);
        assert_eq!(load::<[u8; BYTES]>(&words), message);
        let untouched = words.iter().skip(words_of(BYTES));
        assert!(untouched.clone().all(|word| word.load(Ordering::Relaxed) == u64::MAX), "{BYTES} bytes wrote further");
    }

    #[test]
    fn messages_of_every_length_survive_and_touch_only_their_words() {
        survives::<0>();
        survives::<1>();
        survives::<7>();
        survives::<8>();
        survives::<9>();
        survives::<16>();
        survives::<23>();
        survives::<24>();
    }
}
