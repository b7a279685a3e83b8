//! Whatever is written is read again as it was, and no bytes harm a decoder.

use proptest::prelude::*;
use transport::wire::control::{decode, message_length};
use transport::wire::datagram::{self, Datagram, MAX_MESSAGE_BYTES, Message};
use transport::wire::frame::{FrameHeader, header_length};
use transport::wire::result::{FrameResult, MAX_RESULT_BYTES};

use super::messages::{any_bytes, any_control, any_header, any_progress, any_result, any_shard};
use super::view::decode_as;

proptest! {
    #[test]
    fn headers_survive_the_wire(header in any_header()) {
        prop_assert_eq!(FrameHeader::decode(&header.encode()), Ok(header));
    }

    #[test]
    fn results_survive_the_wire(result in any_result()) {
        let bytes = result.encode();
        prop_assert!(bytes.len() <= MAX_RESULT_BYTES);
        prop_assert_eq!(FrameResult::decode(&bytes), Ok(result));
    }

    #[test]
    fn control_messages_survive_the_wire(message in any_control()) {
        let bytes = message.encode();
        prop_assert_eq!(message_length(*bytes.first_chunk().unwrap()), Ok(bytes.len() - 4));
        prop_assert_eq!(decode(&bytes[4..]), Ok(message));
    }

    #[test]
    fn shards_survive_the_wire((header, body) in any_shard()) {
        let bytes = [header.encode().to_vec(), body.clone()].concat();
        prop_assert_eq!(datagram::decode(&bytes), Ok(Datagram::Shard(header, &body)));
    }

    #[test]
    fn reports_survive_the_wire(report in any_progress(), frame: u32) {
        let bytes = report.encode();
        prop_assert!(bytes.as_ref().len() <= MAX_MESSAGE_BYTES);
        prop_assert_eq!(datagram::decode(bytes.as_ref()), Ok(Datagram::Progress(report)));
        let given_up = Message::abandon(frame);
        prop_assert_eq!(datagram::decode(given_up.as_ref()), Ok(Datagram::Abandon(frame)));
    }

    #[test]
    fn no_bytes_harm_a_decoder(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = (FrameHeader::decode(&bytes), FrameResult::decode(&bytes), decode(&bytes));
        let _ = (datagram::decode(&bytes).is_ok(), datagram::decode_result_head(&bytes).is_ok());
        if let Some(prefix) = bytes.first_chunk() { let _ = message_length(*prefix); }
        if let Some(prefix) = bytes.first_chunk() { let _ = header_length(*prefix); }
    }

    /// Nearly right bytes reach deeper than random ones; what is read of them is a message like any other.
    #[test]
    fn what_is_read_of_corrupted_bytes_can_be_written((kind, bytes) in any_bytes()) {
        if let Ok((message, written)) = decode_as(kind, &bytes) {
            prop_assert_eq!(decode_as(kind, &written).map(|(again, _)| again), Ok(message));
        }
    }

    #[test]
    fn a_cut_message_is_never_taken_for_whole(header in any_header(), result in any_result(), message in any_control(), cut: prop::sample::Index) {
        let cut = |bytes: &[u8]| bytes[..cut.index(bytes.len())].to_vec();
        prop_assert!(FrameHeader::decode(&cut(&header.encode())).is_err());
        prop_assert!(FrameResult::decode(&cut(&result.encode())).is_err());
        prop_assert!(decode(&cut(&message.encode()[4..])).is_err());
    }
}
