use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use proptest::prelude::*;
use rt_core::clock::UnixTime;

use super::*;
use crate::wire::identity::Identity;

const CAR: &str = "car/north-1/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e01";
const OTHER: &str = "car/south-2/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e02";

fn car(text: &str) -> Subject {
    Subject::Car(text.parse().expect("an identity"))
}

fn cloud() -> Subject {
    Subject::Cloud { name: CLOUD_NAME.to_owned() }
}

/// Writes a certificate of `subject`, signed by `authority`, and the authority's beside it.
fn put(dir: &Path, authority: &Authority, subject: &Subject) -> TlsFiles {
    let files = TlsFiles::of(dir, subject.role());
    authority.publish(&files.ca, Overwrite::Replace).expect("written");
    authority.issue(subject, None).expect("issued").write(&files, Overwrite::Replace).expect("written");
    files
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn a_kept_authority_issues_what_says_whose_it_is_and_until_when() {
    let dir = tempfile::tempdir().expect("a directory");
    Authority::create(1_000).expect("made").save(dir.path(), Overwrite::Refuse).expect("saved");
    let authority = Authority::open(dir.path()).expect("opened");
    let now = UnixTime::now().seconds();
    let facts = authority.issue(&car(CAR), Some(30)).expect("issued").facts;
    assert_eq!(facts.identity().map(Identity::as_str), Some(CAR));
    assert!(facts.is_car() && facts.client && !facts.server && !facts.authority, "{facts:?}");
    assert_eq!(facts.issuer, authority.facts().subject);
    assert!((now - 3_700..=now - 3_500).contains(&facts.not_before), "an hour before now, for slow clocks");
    assert!((facts.not_after - now - 30 * 86_400).abs() < 100);
    let facts = authority.issue(&Subject::Cloud { name: "cloud.example".into() }, None).expect("issued").facts;
    assert!(facts.server && !facts.client && facts.names == ["cloud.example"], "{facts:?}");
    assert!((facts.not_after - now - i64::from(Authority::LEAF_DAYS) * 86_400).abs() < 100);
    let fleet = authority.issue(&Subject::Fleet, None).expect("issued").facts;
    assert_eq!((fleet.bearer.clone(), fleet.is_car()), (Bearer::Fleet, true));
}

#[test]
fn nothing_outlives_its_authority() {
    let authority = Authority::create(100).expect("made");
    let facts = authority.issue(&cloud(), None).expect("issued").facts;
    assert_eq!(facts.not_after, authority.facts().not_after, "shortened where nothing was asked for");
    assert!(matches!(authority.issue(&cloud(), Some(101)), Err(CertError::Outlives { days: 101, .. })));
    assert!(authority.issue(&cloud(), Some(99)).is_ok());
}

#[test]
fn what_is_there_is_not_overwritten_and_keys_are_for_their_owner() {
    let dir = tempfile::tempdir().expect("a directory");
    let authority = Authority::create(10).expect("made");
    authority.save(dir.path(), Overwrite::Refuse).expect("saved");
    let before = std::fs::read(dir.path().join(Authority::KEY)).expect("a key");
    let again = Authority::create(10).expect("made").save(dir.path(), Overwrite::Refuse);
    assert!(matches!(again, Err(CertError::Exists { .. })));
    assert_eq!(std::fs::read(dir.path().join(Authority::KEY)).expect("a key"), before);
    let files = put(dir.path(), &authority, &cloud());
    for key in [dir.path().join(Authority::KEY), files.key] {
        let mode = std::fs::metadata(&key).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", key.display());
    }
}

#[test]
fn a_key_that_others_may_read_is_refused_with_the_chmod_that_helps() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = DevPki::create(dir.path()).expect("a PKI");
    for (mode, right) in [(0o644, "0600"), (0o640, "0600"), (0o602, "0600"), (0o755, "0700")] {
        set_mode(&pki.cloud().key, mode);
        let error = Credentials::<Cloud>::load(pki.cloud()).expect_err("refused");
        assert!(matches!(error, CertError::LooseKey { .. }), "{error}");
        let said = error.to_string();
        let chmod = format!("chmod {right} {}", pki.cloud().key.display());
        assert!(said.contains(&format!("{mode:04o}")) && said.contains(&chmod), "{said}");
    }
    for mode in [0o600, 0o400] {
        set_mode(&pki.cloud().key, mode);
        assert!(Credentials::<Cloud>::load(pki.cloud()).is_ok());
    }
}

#[test]
fn what_is_wrong_with_files_is_said_with_their_names() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = DevPki::create(dir.path()).expect("a PKI");
    let load = |files: TlsFiles| Credentials::<Cloud>::load(files).expect_err("refused");
    let mixed = TlsFiles { key: pki.car().key, ..pki.cloud() };
    let error = load(mixed);
    assert!(matches!(&error, CertError::KeyMismatch { key, .. } if key.ends_with("car.key")), "{error}");
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "").expect("written");
    for files in [TlsFiles { ca: empty.clone(), ..pki.cloud() }, TlsFiles { certificate: empty, ..pki.cloud() }] {
        let error = load(files);
        assert!(matches!(&error, CertError::NotACertificate { path, .. } if path.ends_with("empty.pem")), "{error}");
    }
    let missing = load(TlsFiles { key: dir.path().join("none.key"), ..pki.cloud() });
    assert!(matches!(missing, CertError::Read { .. }) && missing.to_string().contains("none.key"));
    let authority = Authority::create(10).expect("made");
    let expired = TlsFiles::of(dir.path(), "expired");
    authority.publish(&expired.ca, Overwrite::Replace).expect("written");
    let now = UnixTime::now().seconds();
    let issued = authority.issue_between(&cloud(), now - 3_600, now - 60).expect("issued");
    issued.write(&expired, Overwrite::Refuse).expect("written");
    let error = load(expired);
    let day = date(issued.facts.not_after);
    assert!(matches!(&error, CertError::Expired { not_after, .. } if *not_after == day), "{error}");
}

#[test]
fn an_end_that_is_near_and_a_wrong_role_are_worth_a_word() {
    let dir = tempfile::tempdir().expect("a directory");
    let written = |authority: &Authority, subject: &Subject, days| {
        let files = TlsFiles::of(dir.path(), "any");
        authority.publish(&files.ca, Overwrite::Replace).expect("written");
        authority.issue(subject, Some(days)).expect("issued").write(&files, Overwrite::Replace).expect("written");
        files
    };
    let long = Authority::create(100).expect("made");
    let as_cloud = |files| Credentials::<Cloud>::load(files).expect("loaded").notes();
    let as_car = |files| Credentials::<Car>::load(files).expect("loaded").notes();
    assert_eq!(as_cloud(written(&long, &cloud(), 30)), Vec::<String>::new());
    assert_eq!(as_car(written(&long, &car(CAR), 30)), Vec::<String>::new());
    assert!(matches!(as_cloud(written(&long, &cloud(), 3)).as_slice(), [note] if note.contains("any.pem expires on")));
    let short = Authority::create(5).expect("made");
    let notes = as_cloud(written(&short, &cloud(), 4));
    assert!(matches!(notes.as_slice(), [own, authority] if own.contains("any.pem") && authority.contains("ca.pem")));
    assert!(matches!(as_cloud(written(&long, &car(CAR), 30)).as_slice(), [note] if note.contains("every car")));
    assert!(matches!(as_car(written(&long, &cloud(), 30)).as_slice(), [note] if note.contains("every cloud")));
}

#[test]
fn a_renewal_takes_good_files_and_keeps_the_old_for_bad_ones() {
    let dir = tempfile::tempdir().expect("a directory");
    let authority = Authority::create(10).expect("made");
    let files = put(dir.path(), &authority, &car(CAR));
    let credentials = Credentials::<Car>::load(files.clone()).expect("loaded");
    let first = credentials.facts();
    put(dir.path(), &authority, &car(CAR));
    let second = credentials.renew().expect("renewed");
    assert_ne!(second.serial, first.serial);
    assert_eq!(credentials.clone().facts(), second, "clones share it");
    put(dir.path(), &authority, &car(OTHER));
    let error = credentials.renew().expect_err("another car's");
    assert!(matches!(&error, CertError::OtherIdentity { found, .. } if found == OTHER), "{error}");
    put(dir.path(), &authority, &Subject::Fleet);
    assert!(matches!(credentials.renew(), Err(CertError::OtherIdentity { .. })));
    put(dir.path(), &authority, &car(CAR));
    set_mode(&files.key, 0o644);
    assert!(matches!(credentials.renew(), Err(CertError::LooseKey { .. })));
    std::fs::write(&files.certificate, "-----BEGIN CERTIFICATE-----\n").expect("written");
    set_mode(&files.key, 0o600);
    assert!(credentials.renew().is_err());
    assert_eq!(credentials.facts(), second, "still in force");
}

#[test]
fn dates_are_read_by_people() {
    assert_eq!(date(0), "1970-01-01T00:00:00Z");
    assert_eq!(date(1_795_259_338), "2026-11-21T11:08:58Z");
    assert_eq!(date(i64::MAX), format!("{} s after 1970", i64::MAX));
}

proptest! {
    #[test]
    fn any_bytes_are_no_certificate_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(CertificateFacts::from_der(&bytes).is_err());
    }

    #[test]
    fn a_changed_byte_never_panics_the_reader(at in 0..2_000_usize, byte in any::<u8>()) {
        static DER: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let mut der = DER.get_or_init(|| {
            let dir = tempfile::tempdir().expect("a directory");
            let pki = DevPki::create_for(dir.path(), CAR.parse().expect("an identity")).expect("a PKI");
            let text = std::fs::read(pki.car().certificate).expect("read");
            x509_parser::pem::Pem::iter_from_buffer(&text).next().expect("one").expect("PEM").contents
        }).clone();
        let length = der.len();
        if let Some(target) = der.get_mut(at % length) {
            *target = byte;
        }
        let _ = CertificateFacts::from_der(&der);
    }
}
