//! Messages that show when they are torn, and are large enough to be killed in the middle of.

/// 8 KiB: a sequence number, words that follow from it, and their sum.
pub type Message = [u64; 1024];

pub fn message(sequence: u64) -> Message {
    let mut message: Message = std::array::from_fn(|index| word(sequence, index));
    message[0] = sequence;
    message[1023] = checksum(&message);
    message
}

fn word(sequence: u64, index: usize) -> u64 {
    (sequence ^ index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn checksum(message: &Message) -> u64 {
    message[..1023].iter().fold(0, |sum, &word| sum.rotate_left(5) ^ word)
}

/// Its sequence number; panics where it is torn.
pub fn sequence(message: &Message) -> u64 {
    assert_eq!(message[1023], checksum(message), "message {} is torn", message[0]);
    assert!((1..1023).all(|index| message[index] == word(message[0], index)), "message {} is mixed", message[0]);
    message[0]
}
