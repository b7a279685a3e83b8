#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| transport_fuzz::datagram(bytes));
