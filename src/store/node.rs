//! Which of several nodes on one database this is.
//!
//! # Invariants
//! The name is random, made once and kept in the data folder, so that a node that starts anew finds its own leases and its own state, and
//! nobody else's, whatever the nodes are called by their configuration.
//!
//! # Known gaps
//! Two nodes made from one image of a disk that was started before have one name: `node.id` is to be deleted from the image.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

use super::Custody;
use super::error::StoreError;
use super::hold::parse_id;

const FILE: &str = "node.id";

/// A node of a shared database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node(String);

impl Node {
    /// The name kept in this folder; a new one on the first start.
    pub(crate) fn load_or_create(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        let failed = |error: std::io::Error| StoreError::from_io(&error);
        if let Some(node) = read(&path)? {
            return Ok(node);
        }
        let name = Custody::new_id()?.to_string();
        // Complete under its name or not there; of two processes that start at once the first one's stands.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(name.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        match file.persist_noclobber(&path) {
            Err(error) if error.error.kind() != ErrorKind::AlreadyExists => {
                return Err(failed(error.error));
            }
            _ => {}
        }
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
        read(&path)?.ok_or_else(|| StoreError::Unavailable("file: node.id is gone".to_owned()))
    }

    /// What a row of this node alone is called.
    pub(crate) fn own(&self, name: &str) -> String {
        format!("{name}@{}", self.0)
    }
}

fn read(path: &Path) -> Result<Option<Node>, StoreError> {
    let mut text = String::new();
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::from_io(&error)),
        Ok(file) => file
            .take(64)
            .read_to_string(&mut text)
            .map_err(|error| StoreError::from_io(&error))?,
    };
    let id =
        parse_id(text.trim()).map_err(|_| StoreError::Corrupt("node.id in the data folder"))?;
    Ok(Some(Node(id.to_string())))
}

impl Custody {
    /// What this process is called as a worker of the queue: `name`, and on a shared database the node behind it, so that nodes of one
    /// name do not take each other's leases.
    pub fn worker(&self, name: &str) -> String {
        self.own_name(name)
    }

    /// What belongs to this node alone is called: `name` itself when no other node shares the database.
    pub(super) fn own_name(&self, name: &str) -> String {
        match &self.node {
            Some(node) => node.own(name),
            None => name.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_name_and_shares_it_with_nobody() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = Node::load_or_create(one.path()).unwrap();
        assert_eq!(Node::load_or_create(one.path()), Ok(first.clone()));
        assert_ne!(Node::load_or_create(two.path()), Ok(first.clone()));
        assert_eq!(first.own("relay").len(), "relay@".len() + 16);
        std::fs::write(one.path().join(FILE), "somebody").unwrap();
        assert!(matches!(
            Node::load_or_create(one.path()),
            Err(StoreError::Corrupt(_))
        ));
    }
}
