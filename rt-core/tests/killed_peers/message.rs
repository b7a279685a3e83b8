//! Messages that show when they are torn. They are long, and only some of their words say which message it is, so that
//! writing one into the ring takes far longer than making it: that is where a producer shall be killed.

/// 64 KiB; every 64th word tells the sequence number.
pub type Message = [u64; 8192];

const STEP: usize = 64;

pub static BLANK: Message = [0; 8192];

pub fn mark(message: &mut Message, sequence: u64) {
    for (index, word) in message.iter_mut().enumerate().step_by(STEP) {
        *word = expected(sequence, index);
    }
}

const fn expected(sequence: u64, index: usize) -> u64 {
    sequence ^ (index as u64) << 48
}

/// Its sequence number; panics where it is torn.
pub fn sequence(message: &Message) -> u64 {
    let sequence = message[0];
    let torn = (0..message.len()).step_by(STEP).find(|&index| message[index] != expected(sequence, index));
    assert_eq!(torn, None, "message {sequence} is torn from this word on");
    sequence
}
