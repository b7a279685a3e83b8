use super::*;
use rt_core::clock::{Monotonic, UnixTime};

fn start_at(unix_secs: u64) -> ClockAnchor {
    let unix = UnixTime::from_ns(unix_secs * 1_000_000_000 + 999_999_999);
    ClockAnchor { monotonic: Monotonic::from_ns(1), unix }
}

fn entries(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_role_has_the_original_s_names() {
    let output = tempfile::tempdir().unwrap();
    let roles = [Role::Client, Role::Server, Role::QuicClient, Role::QuicServer];
    let dirs = RunDirs::create(output.path(), start_at(1_700_000_000), &roles, &Subdirs::default()).unwrap();
    let time = local_timestamp(1_700_000_000).unwrap();
    assert_eq!(dirs.timestamp(), time);
    let expected = [
        (Role::Client, format!("client_main_{time}/client")),
        (Role::Server, format!("server_main_{time}/server")),
        (Role::QuicClient, format!("quic_client_{time}/quic-client-out")),
        (Role::QuicServer, format!("quic_server_{time}/quic-server-out")),
    ];
    for (role, path) in expected {
        let path = output.path().join(path);
        assert!(path.is_dir(), "{}", path.display());
        assert_eq!(dirs.logs(role), Some(path.as_path()));
        assert_eq!(dirs.run(role), path.parent());
    }
}

#[test]
fn a_timestamp_has_the_form_that_notebooks_parse() {
    let time = local_timestamp(1_700_000_000).unwrap();
    let form: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(form, "0000-00-00_00-00-00");
    assert!(time.starts_with("2023-11-1"), "{time}");
}

#[test]
fn a_second_run_in_the_same_second_is_named_after_the_next_one_in_all_its_directories() {
    let output = tempfile::tempdir().unwrap();
    // Only the second of the car's two directories is taken; the first must not stay behind.
    let taken = format!("quic_client_{}", local_timestamp(1_700_000_000).unwrap());
    std::fs::create_dir(output.path().join(&taken)).unwrap();
    let dirs = RunDirs::create(output.path(), start_at(1_700_000_000), Role::CAR, &Subdirs::default()).unwrap();
    let time = local_timestamp(1_700_000_001).unwrap();
    assert_eq!(dirs.timestamp(), time);
    assert_eq!(entries(output.path()), [format!("client_main_{time}"), taken.clone(), format!("quic_client_{time}")]);
    assert_eq!(entries(&output.path().join(taken)), Vec::<String>::new(), "nothing is written into another run");
}

#[test]
fn when_every_name_is_taken_the_first_one_is_named() {
    let output = tempfile::tempdir().unwrap();
    for later in 0..=LATEST_NAME_SECS {
        let name = format!("server_main_{}", local_timestamp(1_700_000_000 + later).unwrap());
        std::fs::create_dir(output.path().join(name)).unwrap();
    }
    let error =
        RunDirs::create(output.path(), start_at(1_700_000_000), &[Role::Server], &Subdirs::default()).unwrap_err();
    assert!(error.to_string().contains(&local_timestamp(1_700_000_000).unwrap()), "{error}");
}

#[test]
fn a_subdirectory_that_leads_elsewhere_is_refused_before_anything_is_created() {
    let output = tempfile::tempdir().unwrap();
    for subdir in ["", "/tmp", "../client", "a/../../b", "."] {
        let subdirs = Subdirs { client: subdir.to_owned(), ..Subdirs::default() };
        let error = RunDirs::create(output.path(), start_at(1), Role::CAR, &subdirs).unwrap_err();
        assert!(matches!(error, RunDirError::Subdir { .. }), "{subdir:?}: {error}");
    }
    assert!(entries(output.path()).is_empty());
}

#[test]
fn an_output_directory_that_is_a_file_is_named_in_the_error() {
    let output = tempfile::NamedTempFile::new().unwrap();
    let error = RunDirs::create(output.path(), start_at(1), Role::CAR, &Subdirs::default()).unwrap_err();
    assert!(error.to_string().contains(&output.path().display().to_string()), "{error}");
}
