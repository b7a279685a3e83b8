use super::*;
use proptest::prelude::*;

proptest! {
    /// Held against the obvious model: a cell that the newest value overwrites.
    #[test]
    fn behaves_like_one_overwritten_cell(operations in prop::collection::vec(any::<Option<u32>>(), 0..200)) {
        let (mut sender, mut receiver) = mailbox();
        let mut oracle = None;
        for operation in operations {
            match operation {
                Some(value) => prop_assert_eq!(sender.put(value), oracle.replace(value)),
                None => prop_assert_eq!(receiver.take(), oracle.take()),
            }
        }
    }
}
