use std::time::Duration;

use rt_core::stop::StopToken;
use transport::link::{Link, LinkConfig, LinkHandle, Trace};

use super::*;

/// What a link answers to `lines` in one connection.
fn answers(path: &Path, lines: &[u8]) -> Vec<String> {
    let mut stream = UnixStream::connect(path).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    stream.write_all(lines).expect("written");
    stream.shutdown(std::net::Shutdown::Write).expect("nothing more");
    BufReader::new(stream).lines().collect::<Result<_, _>>().expect("text")
}

fn with_socket(body: impl FnOnce(&Path, &LinkHandle)) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("control");
    let localhost = "127.0.0.1:0".parse().expect("an address");
    let server = "127.0.0.1:9".parse().expect("an address");
    let (link, handle) = Link::bind(LinkConfig::new(localhost, server, Trace::fixed(1_000_000))).expect("a link");
    let stop = StopToken::default();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| link.run(&stop));
        let socket = ControlSocket::listen(&path, handle.clone());
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            socket.as_ref().expect("a socket");
            body(&path, &handle);
        }));
        stop.set();
        running.join().expect("no panic").expect("no error");
        drop(socket);
        assert!(!path.exists(), "its path is gone");
        outcome.expect("the body");
    });
}

#[test]
fn each_line_is_answered_in_turn_and_the_commands_are_carried_out() {
    with_socket(|path, handle| {
        let said =
            answers(path, b"rate up 3\n\n# nothing\nrate upp 3\nblackout both on # now\nqueue up 0.1\nstats\nrebind");
        assert_eq!(said.len(), 6, "{said:?}");
        assert_eq!((said[0].as_str(), said[2].as_str(), said[5].as_str()), ("ok", "ok", "ok"));
        assert_eq!(said[1], "error: column 6: \"upp\" is no direction; up, down or both is wanted");
        assert!(said[3].starts_with("error: link: uplink: the queue of 100 bytes"), "{}", said[3]);
        let stats: serde_json::Value = serde_json::from_str(said[4].strip_prefix("ok ").expect("ok")).expect("JSON");
        assert_eq!(stats["up"]["offered_packets"], 0);
        let give_up = rt_core::clock::Monotonic::now().plus(Duration::from_secs(20));
        while handle.stats().commands < 3 {
            assert!(rt_core::clock::Monotonic::now() < give_up, "{:?}", handle.stats());
            std::thread::yield_now();
        }
        assert_eq!(handle.stats().rebinds, 1);
    });
}

#[test]
fn lines_without_end_or_meaning_are_refused_and_harm_nobody() {
    with_socket(|path, _| {
        let said = answers(path, &vec![b'x'; 3 * MOST_LINE_BYTES as usize]);
        assert!(matches!(said.as_slice(), [line] if line.contains("longer than 8192 bytes")), "{said:?}");
        let said = answers(path, b"\xff\xfe up\nrate up 1\n");
        assert!(matches!(said.as_slice(), [no, yes] if no.starts_with("error: column 1") && yes == "ok"), "{said:?}");
    });
}

#[test]
fn connections_beyond_the_most_are_turned_away() {
    with_socket(|path, _| {
        let held: Vec<_> = (0..MOST_CONNECTIONS)
            .map(|_| {
                let mut stream = UnixStream::connect(path).expect("it listens");
                stream.write_all(b"rate up 1\n").expect("written");
                let mut said = String::new();
                BufReader::new(stream.try_clone().expect("a clone")).read_line(&mut said).expect("an answer");
                assert_eq!(said, "ok\n");
                stream
            })
            .collect();
        let mut stream = UnixStream::connect(path).expect("it listens");
        let mut said = String::new();
        stream.read_to_string(&mut said).expect("text");
        assert_eq!(said, "error: too many connections; end one\n");
        drop(held);
    });
}

#[test]
fn a_path_in_use_is_refused_and_a_dead_socket_is_replaced() {
    let dir = tempfile::tempdir().expect("a folder");
    let dead = dir.path().join("dead");
    drop(UnixListener::bind(&dead).expect("bound"));
    let file = dir.path().join("file");
    std::fs::write(&file, "precious").expect("written");
    with_socket(|path, handle| {
        let taken = ControlSocket::listen(path, handle.clone()).err().expect("refused").to_string();
        assert!(taken.contains("another process is controlled there"), "{taken}");
        assert_eq!(answers(path, b"rate up 1"), ["ok"], "the first still listens");
        drop(ControlSocket::listen(&dead, handle.clone()).expect("replaced"));
        assert!(ControlSocket::listen(&file, handle.clone()).is_err());
        assert_eq!(std::fs::read_to_string(&file).expect("still there"), "precious");
    });
}
