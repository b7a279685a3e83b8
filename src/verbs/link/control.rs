//! What a running link can be told at its control socket.

use std::path::Path;

use transport::link::{Command, LinkHandle};

use crate::control::Controlled;

impl Controlled for LinkHandle {
    fn obey(&self, command: &str) -> Result<String, String> {
        if command.trim() == "stats" {
            return serde_json::to_string(&self.stats()).map_err(|error| error.to_string());
        }
        let command = Command::parse(command, Path::new(".")).map_err(|error| error.to_string())?;
        self.command(command).map(|()| String::new()).map_err(|error| error.to_string())
    }
}
