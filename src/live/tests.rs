use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use rt_core::clock::ClockAnchor;
use telemetry::subscribe::{Hub, Who};

use super::find::{all, choose_from};
use super::*;
use crate::control::ControlSocket;

fn found(name: &str, run_dir: Option<&Path>) -> Found {
    let (program, pid) = name.rsplit_once('-').expect("a name");
    let who = Who {
        program: program.to_owned(),
        pid: pid.parse().expect("a number"),
        version: String::new(),
        started_unix_s: 0,
        run_dir: run_dir.map(Path::to_owned),
        services: Vec::new(),
    };
    Found { path: name.into(), name: name.to_owned(), who: Some(who) }
}

fn chosen(running: &[&str], target: Option<&str>) -> Result<String, String> {
    let running = running.iter().map(|name| found(name, None)).collect();
    choose_from(running, target, "tail").map(|found| found.name).map_err(|failure| failure.to_string())
}

#[test]
fn the_directory_is_the_sessions_or_the_users_own() {
    assert_eq!(directory_of(Some("/run/user/7".into()), 7), Path::new("/run/user/7/turbo"));
    for none in [None, Some("".into()), Some("relative".into())] {
        assert_eq!(directory_of(none, 7), Path::new("/tmp/turbo-7"));
    }
}

#[test]
fn without_a_name_it_is_the_only_car_and_with_one_whatever_has_it() {
    assert_eq!(chosen(&["car-1", "cloud-2"], None).as_deref(), Ok("car-1"));
    assert_eq!(chosen(&["cloud-2"], None).as_deref(), Ok("cloud-2"));
    for target in ["cloud-2", "2", "cloud"] {
        assert_eq!(chosen(&["car-1", "cloud-2", "car-3"], Some(target)).as_deref(), Ok("cloud-2"));
    }
    let several = chosen(&["car-1", "car-3", "cloud-2"], None).expect_err("several");
    assert!(several.contains("name one, such as turbo tail car-1:\n") && several.contains("car-3"), "{several}");
    let nobody = chosen(&[], None).expect_err("nobody");
    assert!(nobody.contains("start one, such as turbo demo"), "{nobody}");
    let wrong = chosen(&["car-1"], Some("car-9")).expect_err("another");
    assert!(wrong.contains("no car, cloud or link is called \"car-9\"; there are\n  car-1"), "{wrong}");
}

#[test]
fn what_names_a_process_is_told_from_what_is_to_be_told_to_one() {
    for target in ["car", "cloud", "link", "car-7", "link-12", "4711", "/run/turbo/car.sock", "./runs", "no/such"] {
        assert!(is_target(target), "{target}");
    }
    for command in ["status", "context", "who", "rate", "blackout", "car-", "car-x", "cars", "-1", "speed_mps=3", ""] {
        assert!(!is_target(command), "{command}");
    }
    let missing = choose(Some("no/such.sock"), "top").expect_err("nothing there").to_string();
    assert!(missing.contains("no/such.sock: No such file") && missing.contains("or a run directory"), "{missing}");
}

#[test]
fn a_run_is_found_by_its_directory_and_one_that_is_stopped_is_nobodys_first_choice() {
    let dir = tempfile::tempdir().expect("a folder");
    let runs = [dir.path().join("a"), dir.path().join("b")];
    runs.iter().for_each(|run| std::fs::create_dir(run).expect("made"));
    let running = || vec![found("car-1", Some(&runs[0])), found("car-2", Some(&runs[1]))];
    let target = runs[1].to_str();
    assert_eq!(choose_from(running(), target, "tail").expect("one").name, "car-2");
    assert!(choose_from(running(), dir.path().to_str(), "tail").is_err(), "both are below it");
    let mut stopped = running();
    stopped[0].who = None;
    assert_eq!(choose_from(stopped, None, "tail").expect("one").name, "car-2");
}

#[test]
fn who_listens_is_found_and_what_is_left_of_others_is_not() {
    let above = tempfile::tempdir().expect("a folder");
    let dir = above.path().join("turbo");
    let hub = Hub::new("car", "1.2", ClockAnchor::now());
    let name = hub.who().name();
    let socket = serve::listen_in(&dir, &name, std::sync::Arc::new(serve::Live::new(NoCommands, &hub)));
    let socket: ControlSocket = socket.expect("a socket");
    drop(UnixListener::bind(dir.join("car-1.sock")).expect("a dead one"));
    std::fs::write(dir.join("car-2.sock"), "no socket").expect("written");
    let running = all(&dir);
    assert_eq!(running.len(), 1, "{running:?}");
    assert_eq!((running[0].name.clone(), running[0].who.clone()), (name, Some(hub.who())));
    drop(socket);
    assert!(all(&dir).is_empty());
}

#[test]
fn a_directory_that_others_can_write_to_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let open = dir.path().join("open");
    std::fs::create_dir(&open).expect("made");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).expect("opened");
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(dir.path(), &link).expect("linked");
    for wrong in [&open, &link] {
        let hub = Hub::new("car", "1.2", ClockAnchor::now());
        let live = std::sync::Arc::new(serve::Live::new(NoCommands, &hub));
        let error = serve::listen_in(wrong, "car-1", live).err().expect("refused");
        assert!(error.contains("of this user alone"), "{error}");
    }
}

#[test]
fn control_characters_are_shown_and_not_obeyed() {
    assert_eq!(escaped("a\u{1b}[2Jb\nc \u{1f697}"), "a\\u{1b}[2Jb\\nc \u{1f697}");
}
