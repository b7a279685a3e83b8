use std::net::SocketAddr;
use std::path::Path;

use super::*;
use crate::link::command::{Rebind, Ways};
use crate::link::path::{BurstLoss, Change, Reorder};
use crate::link::script::Script;

fn command(text: &str) -> Command {
    Command::parse(text, Path::new(".")).expect("a command")
}

fn dealt_with(handle: &LinkHandle) -> u64 {
    handle.stats().up.passed_packets + handle.stats().up.dropped_packets()
}

#[test]
fn a_damaged_packet_has_one_other_byte_and_a_duplicated_one_comes_twice() {
    let server = socket();
    let mut config = config_for(&server);
    config.up.corrupt = 1.0;
    config.up.duplicate = 1.0;
    let counters = with_link(config, |handle| {
        let (client, sent) = (socket(), [7_u8; 500]);
        client.send_to(&sent, handle.listen_addr()).expect("sent");
        let (mut first, mut second) = ([0; 600], [0; 600]);
        assert_eq!(server.recv(&mut first).expect("it arrives"), 500);
        assert_eq!(server.recv(&mut second).expect("so does the copy"), 500);
        assert_eq!(first, second);
        assert_eq!(first.iter().zip(&sent).filter(|(a, b)| a != b).count(), 1);
    });
    let up = counters.up;
    assert_eq!((up.offered_packets, up.passed_packets, up.duplicated, up.corrupted), (1, 1, 1, 1));
    assert_eq!(counters.down.corrupted, 0);
}

#[test]
fn packets_held_back_arrive_behind_later_ones() {
    let server = socket();
    let mut config = config_for(&server);
    config.up.reorder = Reorder { probability: 1.0, extra_delay: Duration::from_secs(3600) };
    let counters = with_link(config, |handle| {
        let client = socket();
        client.send_to(b"held back", handle.listen_addr()).expect("sent");
        wait_for(|| handle.stats().up.offered_packets == 1);
        handle.command(command("reorder up 0")).expect("taken");
        wait_for(|| handle.stats().commands == 1);
        client.send_to(b"overtakes", handle.listen_addr()).expect("sent");
        let mut buffer = [0; 64];
        let len = server.recv(&mut buffer).expect("it arrives");
        assert_eq!(&buffer[..len], b"overtakes");
    });
    assert_eq!((counters.up.offered_packets, counters.up.passed_packets), (2, 1));
}

#[test]
fn every_packet_that_came_in_is_in_one_counter() {
    let server = socket();
    let mut config = config_for(&server);
    config.up = config.up.lossy(0.2).bursty(BurstLoss { loss: 0.2, mean_packets: 3.0 });
    config.up.duplicate = 0.5;
    let counters = with_link(config, |handle| {
        let client = socket();
        for number in 1..=300 {
            client.send_to(&[1; 100], handle.listen_addr()).expect("sent");
            wait_for(|| dealt_with(handle) == number);
        }
    });
    let up = counters.up;
    assert_eq!(up.offered_packets, up.passed_packets + up.dropped_loss + up.dropped_burst, "{up:?}");
    assert!(up.dropped_loss > 0 && up.dropped_burst > 0 && up.duplicated > 0, "{up:?}");
    assert!(up.duplicated < up.passed_packets, "{up:?}");
    assert!(up.capacity_bytes >= up.passed_bytes, "{up:?}");
    assert!(up.late_100us >= up.late_1ms && up.late_1ms >= up.late_10ms, "{up:?}");
    assert_eq!(up.late_10ms > 0, up.latest_us > 10_000, "{up:?}");
}

#[test]
fn a_rebinding_shows_the_server_a_new_port_and_forgets_the_old_one() {
    let server = socket();
    let counters = with_link(config_for(&server), |handle| {
        let client = socket();
        let mut buffer = [0; 64];
        let mut seen_as = || -> SocketAddr {
            client.send_to(b"it is me", handle.listen_addr()).expect("sent");
            server.recv_from(&mut buffer).expect("it arrives").1
        };
        let before = seen_as();
        handle.command(command("blackout down on")).expect("taken");
        wait_for(|| handle.stats().commands == 1);
        server.send_to(b"on its way", before).expect("sent");
        wait_for(|| handle.stats().down.queue_bytes > 0);
        handle.command(command("rebind")).expect("taken");
        wait_for(|| handle.stats().rebinds == 1);
        let after = seen_as();
        assert_ne!(after.port(), before.port());
        server.send_to(b"to the old port", before).expect("the kernel takes it");
        server.send_to(b"to the new port", after).expect("sent");
        handle.command(command("blackout down off")).expect("taken");
        let mut received = || {
            let len = client.recv(&mut buffer).expect("it arrives");
            String::from_utf8_lossy(&buffer[..len]).into_owned()
        };
        assert_eq!((received(), received()), ("on its way".to_owned(), "to the new port".to_owned()));
        assert_eq!(handle.stats().down.offered_packets, 2);

        handle.command(command("rebind 127.0.0.2")).expect("taken");
        wait_for(|| handle.stats().rebinds == 2);
        let mut from_another_client = || {
            socket().send_to(b"me too", handle.listen_addr()).expect("sent");
            server.recv_from(&mut buffer).expect("it arrives").1
        };
        let elsewhere = Ipv4Addr::new(127, 0, 0, 2);
        assert_eq!(from_another_client().ip(), elsewhere, "new clients share the address");
        client.send_to(b"it is me", handle.listen_addr()).expect("sent");
        assert_eq!(server.recv_from(&mut buffer).expect("it arrives").1.ip(), elsewhere);
    });
    assert_eq!((counters.rebinds, counters.rebinds_refused, counters.clients), (2, 0, 2));
}

#[test]
fn a_script_shapes_the_link_from_the_start_and_a_command_has_the_last_word() {
    let server = socket();
    let mut config = config_for(&server);
    config.script = Script::parse("0s loss up 100%\n0s delay both 1ms", "script", Path::new(".")).expect("a script");
    let counters = with_link(config, |handle| {
        let client = socket();
        for number in 1..=5 {
            client.send_to(b"lost", handle.listen_addr()).expect("sent");
            wait_for(|| dealt_with(handle) == number);
        }
        assert_eq!(handle.stats().up.dropped_loss, 5);
        handle.clone().command(command("loss up 0")).expect("taken");
        wait_for(|| handle.stats().commands == 1);
        client.send_to(b"passes", handle.listen_addr()).expect("sent");
        assert_eq!(server.recv(&mut [0; 64]).expect("it arrives"), 6);
    });
    assert_eq!((counters.up.passed_packets, counters.up.dropped_loss), (1, 5));
}

#[test]
fn a_command_that_cannot_be_is_refused_with_its_value_and_changes_nothing() {
    let server = socket();
    let config = config_for(&server);
    let nowhere = "rebind 192.0.2.1";
    for (text, said) in [("queue up 0.5", "queue of 500 bytes"), (nowhere, "cannot send from 192.0.2.1")] {
        let script = Script::parse(&format!("1s {text}"), "script", Path::new(".")).expect("a script");
        let fault = Link::bind(LinkConfig { script, ..config.clone() }).err().expect("refused").to_string();
        assert!(fault.contains(said), "{fault}");
    }
    let (link, handle) = Link::bind(config).expect("a link");
    let fault = handle.command(command(nowhere)).expect_err("refused").to_string();
    assert!(fault.contains("127.0.0.2 will do"), "{fault}");
    let loss = Command::Change(Ways::Both, Change::Loss(7.0));
    let fault = handle.command(loss).expect_err("refused").to_string();
    assert!(fault.contains("both ways: loss is 7; a fraction"), "{fault}");
    drop(link);
    let ended = handle.command(Command::Rebind(Rebind::default()));
    assert!(matches!(ended, Err(LinkError::Ended)), "{ended:?}");
    handle.set_up_rate(1);
}
