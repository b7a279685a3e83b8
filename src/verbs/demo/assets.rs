//! The files the demo runs on, embedded, so that the program runs anywhere.

use std::io;
use std::path::Path;

/// Path in the repository and content; the profiles name the others relative to themselves.
const FILES: &[(&str, &[u8])] = &[
    ("config/demo-car.yaml", include_bytes!("../../../config/demo-car.yaml")),
    ("config/demo-cloud.yaml", include_bytes!("../../../config/demo-cloud.yaml")),
    ("config/tables/demo.yaml", include_bytes!("../../../config/tables/demo.yaml")),
    ("inference/models/turbo-edd0.onnx", include_bytes!("../../../inference/models/turbo-edd0.onnx")),
    ("inference/models/turbo-edd1.onnx", include_bytes!("../../../inference/models/turbo-edd1.onnx")),
    ("inference/models/turbo-edd2.onnx", include_bytes!("../../../inference/models/turbo-edd2.onnx")),
];

/// Writes every file under `dir`, in the repository's layout.
///
/// # Errors
/// The file and the system's reason.
pub fn unpack(dir: &Path) -> io::Result<()> {
    for (name, content) in FILES {
        let path = dir.join(name);
        let written =
            path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, content));
        written.map_err(|error| io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Profile;
    use config::car::CarProfile;
    use config::cloud::CloudProfile;

    #[test]
    fn the_profiles_find_what_they_name_where_it_is_unpacked() {
        let dir = tempfile::tempdir().expect("a folder");
        unpack(dir.path()).expect("unpacked");
        let cloud = CloudProfile::load(&dir.path().join("config/demo-cloud.yaml")).expect("a profile");
        let car = CarProfile::load(&dir.path().join("config/demo-car.yaml")).expect("a profile");
        for file in cloud.models.iter().map(|model| &model.file).chain([&car.vehicle.model, &car.allocation.table]) {
            assert!(file.is_file(), "{}", file.display());
        }
    }
}
